#include "app/demo/names.hpp"

#include <array>
#include <utility>

#include "base/text.hpp"

namespace bonafide::app::demo {
namespace {

using Words = std::string_view;

constexpr std::array<Words, 12> english_given{"Harriet", "Owen",    "Rowena",   "Callum",
                                              "Imogen",  "Desmond", "Beatrice", "Alasdair",
                                              "Maeve",   "Tobias",  "Gwen",     "Leonard"};
constexpr std::array<Words, 12> english_family{"Ashdown",  "Penhallow", "Thackery",  "Marlowe",
                                               "Winslade", "Corrigan",  "Fairbairn", "Holloway",
                                               "Prescott", "Underhill", "Quillan",   "Sefton"};
constexpr std::array<Words, 12> german_given{"Jürgen", "Annika", "Matthias", "Käthe",  "Lukas", "Frieda",
                                             "Holger", "Sabine", "Benedikt", "Ulrike", "Götz",  "Marlene"};
constexpr std::array<Words, 12> german_family{"Brandtner", "Höllriegl",  "Vossberg",   "Kühnast",
                                              "Steinmetz", "Rademacher", "Wörner",     "Lindqvist",
                                              "Ahlers",    "Großkopf",   "Nettelbeck", "Zöllner"};
constexpr std::array<Words, 10> french_given{"Élodie", "Mathieu", "Solène",  "Thibault", "Clémence",
                                             "Rémi",   "Aurélie", "Gaspard", "Noémie",   "Fabrice"};
constexpr std::array<Words, 10> french_family{"Delacourt",  "Marchandise", "Lefèvre",   "Quéméneur",
                                              "Bonnaire",   "Rousselot",   "Vauquelin", "Perrichon",
                                              "Gauthereau", "Thévenin"};
constexpr std::array<Words, 10> spanish_given{"Lucía",  "Mateus",  "Inés",   "Joaquín", "Ximena",
                                              "Rafael", "Beatriz", "Andrés", "Marisol", "Thiago"};
constexpr std::array<Words, 10> spanish_family{"Carvalhal",   "Ibáñez", "Montenegro", "Quispe",  "Figueiredo",
                                               "Salvatierra", "Núñez",  "Aramburu",   "Peçanha", "Olmedo"};
constexpr std::array<Words, 10> nordic_given{"Søren",  "Ingrid", "Åsa",     "Mikko",  "Sigrún",
                                             "Bjarne", "Eeva",   "Torsten", "Linnéa", "Håkon"};
constexpr std::array<Words, 10> nordic_family{"Bergstrand", "Kallio",  "Østergaard",   "Lindholm",  "Sæther",
                                              "Virtala",    "Nyqvist", "Hallgrímsson", "Dahlström", "Rautio"};
constexpr std::array<Words, 10> slavic_given{"Łukasz", "Zofia",  "Milan",  "Katarína", "Bartosz",
                                             "Jelena", "Ondřej", "Halyna", "Wojciech", "Darja"};
constexpr std::array<Words, 10> slavic_family{"Wiśniewska", "Kowalczyk", "Dvořáček", "Petrović",  "Melnyk",
                                              "Zielonka",   "Hrabal",    "Novotný",  "Ostrowski", "Jurić"};
constexpr std::array<Words, 10> african_given{"Amina",  "Chidi",   "Folake", "Kwabena", "Zainab",
                                              "Tendai", "Wanjiru", "Emeka",  "Nomvula", "Yusuf"};
constexpr std::array<Words, 10> african_family{"Okonkwo", "Adeyemi", "Mwangale", "Boateng", "Ndlovu",
                                               "Diallo",  "Abara",   "Chukwudi", "Mensah",  "Kiprono"};
constexpr std::array<Words, 10> arabic_given{"Leila", "Karim",  "Noura",  "Tariq", "Yasmin",
                                             "Omar",  "Samira", "Faisal", "Hanan", "Ziad"};
constexpr std::array<Words, 10> arabic_family{"Haddad",  "Mansouri", "El-Amin", "Khoury", "Benyahia",
                                              "Rahmani", "Saqqaf",   "Darwish", "Tabari", "Zouari"};
constexpr std::array<Words, 12> indian_given{"Priya",  "Arjun",  "Meenakshi", "Rohan", "Kavita", "Sanjay",
                                             "Ananya", "Vikram", "Lakshmi",   "Imran", "Deepa",  "Harish"};
constexpr std::array<Words, 12> indian_family{"Raghunathan", "Chatterjee", "Kulkarni", "Sandhu",
                                              "Venkatesan",  "Bhosale",    "Iyengar",  "Qureshi",
                                              "Mukherjee",   "Nambiar",    "Thakkar",  "Deshpande"};
constexpr std::array<Words, 10> east_asian_given{"Kenji", "Mai",     "Hye-jin", "Wei Ling", "Takumi",
                                                 "Thảo",  "Min-jun", "Xiaoyun", "Haruka",   "Quốc"};
constexpr std::array<Words, 10> east_asian_family{"Morita", "Nguyễn",  "Baek",   "Tan",      "Hoshino",
                                                  "Trần",   "Namgung", "Ouyang", "Kisaragi", "Phạm"};

constexpr std::array<Culture, 10> all_cultures{{
    {english_given, english_family, Zone::london, Language::english},
    {german_given, german_family, Zone::berlin, Language::german},
    {french_given, french_family, Zone::berlin, Language::french},
    {spanish_given, spanish_family, Zone::sao_paulo, Language::spanish},
    {nordic_given, nordic_family, Zone::helsinki, Language::swedish},
    {slavic_given, slavic_family, Zone::berlin, Language::english},
    {african_given, african_family, Zone::lagos, Language::english},
    {arabic_given, arabic_family, Zone::dubai, Language::english},
    {indian_given, indian_family, Zone::kolkata, Language::english},
    {east_asian_given, east_asian_family, Zone::tokyo, Language::english},
}};

constexpr std::array<KnownName, 18> partners{{
    {"Aldgrove Castings", "aldgrove.example"},
    {"Vossberg Feinmechanik GmbH", "vossberg-feinmechanik.example"},
    {"Kestrel & Lowe LLP", "kestrellowe.example"},
    {"Atelier Bonnaire", "atelier-bonnaire.example"},
    {"Okonkwo Freight", "okonkwofreight.example"},
    {"Raghunathan Optics", "raghunathan-optics.example"},
    {"Baltica Sensor Oy", "balticasensor.example"},
    {"Cerro Azul Minerals", "cerroazul.example"},
    {"Morita Seiki", "moritaseiki.example"},
    {"Haddad Trading Co.", "haddadtrading.example"},
    {"Zielonka Logistyka", "zielonka.test"},
    {"Fairbairn Audit", "fairbairn-audit.example"},
    {"Lindholm Plåt AB", "lindholmplat.example"},
    {"Prairie Gauge Works", "prairiegauge.example"},
    {"Quillan Staffing", "quillanstaffing.example"},
    {"Studio Tidepool", "tidepool.test"},
    {"Mwangale Analytics", "mwangale.example"},
    {"Thackery Insurance Brokers", "thackery-brokers.example"},
}};

constexpr std::array<KnownName, 12> brands{{
    {"Fieldnote Weekly", "fieldnote.example"},
    {"The Calibration Post", "calibrationpost.example"},
    {"Kantine am Markt", "kantine-am-markt.example"},
    {"Railhop", "railhop.example"},
    {"Papierwerk", "papierwerk.example"},
    {"Measurement Today", "measurementtoday.example"},
    {"Skillbarn", "skillbarn.example"},
    {"Northlight Events", "northlight-events.example"},
    {"Tellus Desk", "tellusdesk.example"},
    {"Sparhaven Bank", "sparhaven.example"},
    {"Bolt & Bracket", "boltandbracket.example"},
    {"Parcelfinch", "parcelfinch.example"},
}};

constexpr std::array<Words, 24> first_words{"silver", "alder",  "north",   "clear",    "amber",  "river",
                                            "stone",  "bright", "maple",   "iron",     "blue",   "harbor",
                                            "cedar",  "crown",  "delta",   "ember",    "falcon", "grand",
                                            "hazel",  "indigo", "juniper", "keystone", "lumen",  "vera"};
constexpr std::array<Words, 20> second_words{"line",  "works", "field", "point", "gate", "bridge", "craft",
                                             "path",  "mark",  "forge", "peak",  "wave", "nest",   "grove",
                                             "haven", "loop",  "spark", "view",  "yard", "base"};
constexpr std::array<Words, 12> trades{"Logistics",  "Consulting",  "Tools",    "Media",
                                       "Recruiting", "Instruments", "Software", "Supplies",
                                       "Studios",    "Partners",    "Energy",   "Packaging"};

struct Fold {
  Words from, to;
};
constexpr std::array<Fold, 42> folds{{
    {"ä", "ae"}, {"ö", "oe"}, {"ü", "ue"}, {"ß", "ss"}, {"å", "a"}, {"Å", "a"}, {"ø", "o"},
    {"Ø", "o"},  {"æ", "ae"}, {"é", "e"},  {"É", "e"},  {"è", "e"}, {"ê", "e"}, {"ë", "e"},
    {"á", "a"},  {"à", "a"},  {"â", "a"},  {"ç", "c"},  {"í", "i"}, {"î", "i"}, {"ï", "i"},
    {"ñ", "n"},  {"ó", "o"},  {"ô", "o"},  {"ú", "u"},  {"ù", "u"}, {"ý", "y"}, {"Ł", "l"},
    {"ł", "l"},  {"ś", "s"},  {"ř", "r"},  {"č", "c"},  {"ć", "c"}, {"ž", "z"}, {"š", "s"},
    {"ń", "n"},  {"ễ", "e"},  {"ầ", "a"},  {"ả", "a"},  {"ố", "o"}, {"ạ", "a"}, {"ż", "z"},
}};

}  // namespace

std::span<const Culture> cultures() { return all_cultures; }
std::span<const KnownName> partner_names() { return partners; }
std::span<const KnownName> brand_names() { return brands; }

PersonName draw_person(Dice& dice, const Culture& culture) {
  PersonName name;
  name.given = dice.of(culture.given);
  name.family = dice.of(culture.family);
  return name;
}

StrangerName draw_stranger(Dice& dice) {
  std::string stem(dice.of(first_words));
  stem += dice.of(second_words);
  const auto trade = dice.of(trades);
  std::string label = stem;
  switch (dice.below(4)) {
    case 0:
      label += "-" + ascii_lower(trade);
      break;
    case 1:
      label += ascii_lower(trade);
      break;
    case 2:
      label += dice.text(digits, 2);
      break;
    default:
      break;
  }
  std::string shown = stem;
  shown[0] = static_cast<char>(shown[0] - 'a' + 'A');
  return {shown + " " + std::string(trade), label + (dice.permille(300) ? ".test" : ".example")};
}

std::string address_form(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    bool folded = false;
    for (const Fold& fold : folds) {
      if (name.substr(0, fold.from.size()) != fold.from) continue;
      out += fold.to;
      name.remove_prefix(fold.from.size());
      folded = true;
      break;
    }
    if (folded) continue;
    const char c = ascii_lower(name[0]);
    if (is_alpha(c) || is_digit(c) || c == '-') out += c;
    name.remove_prefix(1);
  }
  return out;
}

}  // namespace bonafide::app::demo
