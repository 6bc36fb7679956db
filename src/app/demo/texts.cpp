#include "app/demo/texts.hpp"

#include <array>
#include <span>

namespace bonafide::app::demo {
namespace {

using Text = std::string_view;
using Texts = std::span<const Text>;

// Open places: %n number, %m amount, %d day of the week, %w a thing, %t time of day.
constexpr std::array<Text, 12> project_text{
    "The new %w came back from the test bench and the readings look steady over the whole range.",
    "We are still waiting for the second batch of %w, the supplier now says %d.",
    "I have updated the drawing for the %w and put revision %n in the usual folder.",
    "Can you check whether the tolerance on page %n still holds with the thinner housing?",
    "The prototype draws about twice the current we expected when it wakes up, so the battery estimate needs "
    "another look.",
    "Nothing is blocked at the moment, but the schedule for the %w has no slack left.",
    "Once the firmware is frozen we can start the climate chamber runs.",
    "I would rather fix the connector now than explain it to every customer later.",
    "The measurement from %d confirms what we expected from the model.",
    "Part number %n is the one with the gold contacts, please do not mix the two.",
    "If there are no objections by %d I will release it.",
    "The open points are listed below, most of them are small.",
};
constexpr std::array<Text, 8> meeting_text{
    "Does %d at %t work for everybody?",
    "The room on the second floor is booked, and the link for those at home is in the invitation.",
    "I would like to go through the %w first and leave the rest for the end.",
    "Please bring your numbers, then half an hour is enough.",
    "Sorry for the late change, the visit from the customer was moved to %d.",
    "The minutes of last time are attached, there are only %n open actions left.",
    "I can not make it this week, could somebody else take notes?",
    "Let us keep it short, we can take the details about the %w offline.",
};
constexpr std::array<Text, 8> question_text{
    "Do you happen to know who looks after the %w these days?",
    "The customer asks whether the %w can also be delivered in a smaller housing.",
    "I could not find the data sheet for item %n, could you point me to it?",
    "Is there a reason why we stopped ordering these from the old supplier?",
    "How long would it take to repeat the calibration with the new reference?",
    "Just checking that you have seen my message from %d.",
    "What would be the smallest order you accept for this?",
    "Any idea when the drawings will be back from review?",
};
constexpr std::array<Text, 10> invoice_text{
    "Please find invoice %n over %m attached, payable within 14 days.",
    "Our bank details have changed as of this month, please use the account on the enclosed invoice from now "
    "on.",
    "Could you tell me when payment of invoice %n can be expected?",
    "The amount of %m is due on %d.",
    "For your records, the order number is %n.",
    "We noticed that the last transfer was short by a few units because of bank charges.",
    "Please confirm once the transfer has been made.",
    "A copy of the delivery note is enclosed as well.",
    "The credit note for the returned %w will follow next week.",
    "Kindly note that reminders are sent automatically, ignore this one if you have already paid.",
};
constexpr std::array<Text, 8> document_text{
    "I have shared the document about the %w with you, the link is below.",
    "Please review the attached contract and return a signed copy by %d.",
    "The file is a bit large, so I put it on the share.",
    "Page %n has the figures you asked for.",
    "You need to sign in once to open it.",
    "Comments are welcome directly in the document.",
    "This replaces the version I sent on %d.",
    "The link stays valid for one week.",
};
constexpr std::array<Text, 8> account_text{
    "Your password expires in %n days, please renew it in time.",
    "A new sign-in to your account was noticed on %d at %t.",
    "If this was you there is nothing to do, otherwise please check your settings.",
    "Your mailbox has almost reached its limit.",
    "Please confirm your details so that the service can go on without a break.",
    "The confirmation code is %n.",
    "We have updated our terms, you can read them with the link below.",
    "This message was sent to the address stored for your account.",
};
constexpr std::array<Text, 8> favour_text{
    "Are you at your desk? I need a quick favour and can not talk right now.",
    "Could you take care of a small payment for me today?",
    "I am in a meeting until %t, please answer by mail.",
    "It would help me a lot if this could be done before %d.",
    "Let me know when you have a minute.",
    "I will explain the rest later, it is about the %w.",
    "Can you send me the list with the current contact details?",
    "Please keep this between us until it is announced.",
};
constexpr std::array<Text, 8> report_text{
    "All %n jobs finished without errors.",
    "Volume used: 71 percent, free: 29 percent.",
    "The nightly copy of the %w store took 42 minutes.",
    "One warning: host %n answered slowly at %t.",
    "Checked %n files, none was changed since the last run.",
    "The next run is planned for %d at %t.",
    "Temperature of the server room stayed within limits.",
    "Queue length at the end of the run: 0.",
};
constexpr std::array<Text, 6> travel_text{
    "I am on the road until %d and read mail in the evening only.",
    "The train is late again, please start without me.",
    "The fair is crowded and the stand with the %w draws many visitors.",
    "My phone is the best way to reach me this week.",
    "I met the people from the distributor, they want samples of the %w.",
    "Back in the office on %d.",
};
constexpr std::array<Text, 6> thanks_text{
    "Thank you, that is exactly what I needed.",
    "Received, many thanks.",
    "Great, then let us do it that way.",
    "Perfect, I will let the others know.",
    "Thanks for the quick answer.",
    "All clear from my side.",
};
constexpr std::array<Text, 8> offer_text{
    "We make %w for companies like yours and would be glad to send a sample.",
    "Following up on my message from %d, is this of interest to you?",
    "Our current price list is attached.",
    "Until the end of the month we offer ten percent on all %w.",
    "Would you be the right person to talk to about %w?",
    "A short call of 15 minutes would be enough to show you what we do.",
    "References from your line of business are available on our site.",
    "Delivery usually takes %n days.",
};
constexpr std::array<Text, 6> application_text{
    "I am writing to apply for the position you have advertised.",
    "For the last years I have worked on %w and led a small team.",
    "My résumé and references are attached.",
    "I could start on the first of next month.",
    "I would be happy to introduce myself in person.",
    "Please let me know whether the position is still open.",
};
constexpr std::array<Text, 10> news_text{
    "This week we look at how small teams measure what matters and what they leave out.",
    "Registration for the spring workshop is open, the first %n places are free of charge.",
    "Reader question: how often should a reference %w be checked?",
    "Three new models entered the market, and we tried them all.",
    "In the long read, a visit to the people who keep the standards.",
    "Save 20 percent on all %w until %d.",
    "Our guide to choosing a %w is now in its fourth edition.",
    "The most read story of last week was about a forgotten calibration.",
    "New in our shop: the compact %w with a brass housing.",
    "Meet us at the fair in hall %n, coffee is on us.",
};
constexpr std::array<Text, 8> order_text{
    "Thank you for your order %n.",
    "Your parcel has left our warehouse and should arrive on %d.",
    "You can follow it with the link below.",
    "1 x %w, in stock.",
    "The total of %m was charged to the card on file.",
    "Your parcel was handed over at %t.",
    "If anything is missing please answer this message within 14 days.",
    "An invoice is attached to this message.",
};
constexpr std::array<Text, 7> ticket_text{
    "Your request was received and has the number %n.",
    "An agent has added a comment to your ticket.",
    "We could reproduce the problem with the %w and are looking for the cause.",
    "The ticket was marked as solved, answer to this message to open it again.",
    "A visitor has filled in the contact form on your site.",
    "Please keep the number in the subject so that your answer finds its way.",
    "Priority was changed to normal.",
};
constexpr std::array<Text, 10> list_text{
    "The patch below fixes the overflow in the decoder when the length is %n.",
    "I am not sure this is the right layer, the driver should not know about the %w.",
    "Tested on two boards, no regressions so far.",
    "Could you split this into two changes and add a test?",
    "That would break everybody who still runs the old bus at %n kHz.",
    "Applied to the next branch, thanks.",
    "See the discussion from %d for the background.",
    "The timing is within the specification, but only just.",
    "How does this behave when the sensor does not answer?",
    "I would prefer to keep the interface as it is and document the limits.",
};
constexpr std::array<Text, 3> absence_text{
    "I am out of the office until %d and will answer when I am back.",
    "In urgent cases please write to our office.",
    "Your message is not forwarded.",
};
constexpr std::array<Text, 4> moving_text{
    "We are moving our e-mail to a new provider on %d, our addresses stay the same.",
    "Messages may arrive with some delay on that day.",
    "If something of ours lands in your junk folder please let us know.",
    "There is nothing for you to do.",
};
constexpr std::array<Text, 4> introduction_text{
    "I have joined the team this week and take over the %w from my colleague.",
    "From now on please send your questions about the %w to me.",
    "I look forward to working with you.",
    "You will find my number below.",
};
constexpr std::array<Text, 10> german_text{
    "Anbei die aktualisierten Unterlagen zum Projekt, bitte kurz prüfen.",
    "Die Lieferung verzögert sich leider um einige Tage, neuer Termin ist der %n.",
    "Können Sie mir die Zeichnung %n noch einmal schicken?",
    "Die Rechnung %n über %m ist beigefügt, zahlbar innerhalb von 14 Tagen.",
    "Wir hätten gern ein Angebot über weitere Gehäuse in der gleichen Ausführung.",
    "Die Messwerte von letzter Woche liegen alle im grünen Bereich.",
    "Bitte geben Sie mir bis morgen um %t Bescheid.",
    "Für Rückfragen stehe ich Ihnen gerne zur Verfügung.",
    "Das Gespräch am Nachmittag müssen wir leider verschieben.",
    "Die größere Stückzahl können wir ab nächstem Monat fertigen.",
};
constexpr std::array<Text, 8> french_text{
    "Vous trouverez ci-joint la facture %n d'un montant de %m.",
    "La réunion de demain est déplacée à %t, merci de me confirmer votre présence.",
    "Nous avons bien reçu votre commande, elle sera expédiée cette semaine.",
    "Pourriez-vous m'envoyer la dernière version du plan numéro %n ?",
    "Les essais se sont bien passés, les résultats sont en pièce jointe.",
    "Je reste à votre disposition pour tout complément d'information.",
    "Le délai de livraison est actuellement de %n jours ouvrés.",
    "N'hésitez pas à me rappeler dans l'après-midi.",
};
constexpr std::array<Text, 8> spanish_text{
    "Adjunto la factura %n por un importe de %m.",
    "¿Podrían confirmar la fecha de entrega del pedido %n?",
    "La reunión de mañana empieza a las %t, saludos a todo el equipo.",
    "Hemos recibido las muestras y las mediciones son correctas.",
    "Quedamos a la espera de sus comentarios sobre el plano.",
    "El envío sale este viernes por vía aérea.",
    "Les mando la última versión del contrato para su firma.",
    "Cualquier duda, estoy a su disposición.",
};
constexpr std::array<Text, 7> swedish_text{
    "Här kommer faktura %n på %m, betalning inom 30 dagar.",
    "Leveransen går härifrån på fredag och är framme nästa vecka.",
    "Kan ni skicka ritning %n en gång till?",
    "Mötet är flyttat till klockan %t, jag bokar ett nytt rum.",
    "Mätningarna ser bra ut, rapporten är bifogad.",
    "Hör gärna av er om något är oklart.",
    "Vi behöver svar före helgen för att hinna med beställningen.",
};

constexpr std::array<Texts, 19> english_texts{
    project_text, meeting_text, question_text, invoice_text, document_text,    account_text, favour_text,
    report_text,  travel_text,  thanks_text,   offer_text,   application_text, news_text,    order_text,
    ticket_text,  list_text,    absence_text,  moving_text,  introduction_text};
constexpr std::array<Texts, 5> other_texts{Texts{}, german_text, french_text, spanish_text, swedish_text};

constexpr std::array<Text, 5> project_subject{"Status %w", "%w revision %n", "Test results %w",
                                              "Next steps for the %w", "Open points"};
constexpr std::array<Text, 4> meeting_subject{"Meeting on %d", "Agenda for %d", "%d %t?", "Minutes"};
constexpr std::array<Text, 4> question_subject{"Question about %w", "Data sheet %n", "Quick question",
                                               "Item %n"};
constexpr std::array<Text, 5> invoice_subject{"Invoice %n", "Payment of invoice %n", "Reminder: invoice %n",
                                              "Change of bank details", "Statement %n"};
constexpr std::array<Text, 4> document_subject{"Document for your review", "Contract %n",
                                               "%w.pdf shared with you", "For signature: %n"};
constexpr std::array<Text, 4> account_subject{"Your account", "Password expires on %d", "New sign-in",
                                              "Please confirm your details"};
constexpr std::array<Text, 4> favour_subject{"Quick favour", "Are you available?", "Request",
                                             "Urgent, please read"};
constexpr std::array<Text, 3> report_subject{"Nightly report %n: OK", "Backup finished",
                                             "[monitor] %n checks passed"};
constexpr std::array<Text, 3> travel_subject{"On the road", "Fair on %d", "Travel plans"};
constexpr std::array<Text, 3> thanks_subject{"Thank you", "Received", "Confirmation"};
constexpr std::array<Text, 4> offer_subject{"%w for your company", "Offer %n", "Partnership",
                                            "Our price list"};
constexpr std::array<Text, 2> application_subject{"Application", "Application for the position of engineer"};
constexpr std::array<Text, 5> news_subject{"The week in measurement, issue %n", "20 percent on %w", "New: %w",
                                           "Your invitation for %d", "What we read this week"};
constexpr std::array<Text, 4> order_subject{"Your order %n", "Your parcel is on its way",
                                            "Order %n was delivered", "Receipt %n"};
constexpr std::array<Text, 3> ticket_subject{"[#%n] Your request", "[#%n] New comment", "Contact form: %w"};
constexpr std::array<Text, 5> list_subject{"[PATCH] decoder: check the length", "RFC: %w interface",
                                           "Timing of the %w at %n kHz", "[PATCH v2] tests for the %w",
                                           "Build fails with %w"};
constexpr std::array<Text, 1> absence_subject{"Out of office"};
constexpr std::array<Text, 2> moving_subject{"Our e-mail moves on %d", "New mail provider"};
constexpr std::array<Text, 2> introduction_subject{"Introduction", "Your new contact for %w"};
constexpr std::array<Texts, 19> english_subjects{
    project_subject, meeting_subject,     question_subject, invoice_subject,     document_subject,
    account_subject, favour_subject,      report_subject,   travel_subject,      thanks_subject,
    offer_subject,   application_subject, news_subject,     order_subject,       ticket_subject,
    list_subject,    absence_subject,     moving_subject,   introduction_subject};
constexpr std::array<Text, 5> german_subject{"Rechnung %n", "Lieferung Gehäuse", "Rückfrage zu Zeichnung %n",
                                             "Termin um %t", "Prüfbericht %n"};
constexpr std::array<Text, 4> french_subject{"Facture %n", "Réunion à %t", "Commande %n",
                                             "Résultats des essais"};
constexpr std::array<Text, 4> spanish_subject{"Factura %n", "Reunión de mañana", "Pedido %n",
                                              "Plano número %n"};
constexpr std::array<Text, 4> swedish_subject{"Faktura %n", "Möte klockan %t", "Ritning %n", "Mätrapport"};
constexpr std::array<Texts, 5> other_subjects{Texts{}, german_subject, french_subject, spanish_subject,
                                              swedish_subject};

constexpr std::array<Text, 18> things{
    "pressure sensor", "flow meter", "housing", "gauge",      "valve block", "probe",
    "calibration kit", "cable set",  "display", "controller", "adapter",     "gasket",
    "thermometer",     "load cell",  "bracket", "manifold",   "enclosure",   "logger"};
constexpr std::array<Text, 5> days{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"};

constexpr std::array<Text, 5> english_greetings{"Hi,", "Hello,", "Dear colleagues,", "Good morning,",
                                                "Dear all,"};
constexpr std::array<Text, 3> german_greetings{"Guten Tag,", "Hallo zusammen,",
                                               "Sehr geehrte Damen und Herren,"};
constexpr std::array<Text, 2> french_greetings{"Bonjour,", "Bonjour à tous,"};
constexpr std::array<Text, 2> spanish_greetings{"Hola,", "Buenos días,"};
constexpr std::array<Text, 2> swedish_greetings{"Hej,", "Hej alla,"};
constexpr std::array<Texts, 5> greetings{english_greetings, german_greetings, french_greetings,
                                         spanish_greetings, swedish_greetings};
constexpr std::array<Text, 5> english_closings{"Best regards", "Kind regards", "Thanks", "Cheers", "Regards"};
constexpr std::array<Text, 3> german_closings{"Mit freundlichen Grüßen", "Viele Grüße", "Beste Grüße"};
constexpr std::array<Text, 2> french_closings{"Cordialement", "Bien à vous"};
constexpr std::array<Text, 2> spanish_closings{"Un saludo", "Saludos cordiales"};
constexpr std::array<Text, 2> swedish_closings{"Med vänlig hälsning", "Hälsningar"};
constexpr std::array<Texts, 5> closings{english_closings, german_closings, french_closings, spanish_closings,
                                        swedish_closings};
constexpr std::array<Text, 5> answer_prefixes{"Re: ", "AW: ", "RE: ", "RE: ", "SV: "};
constexpr std::array<Text, 8> link_texts{"Open the document", "Read more", "View online",
                                         "Show details",      "Sign in",   "Track your parcel",
                                         "Download",          "Our site"};
constexpr std::array<Text, 9> file_stems{"invoice", "offer",   "drawing", "report", "contract",
                                         "scan",    "minutes", "data",    "photo"};

void append_filled(std::string& out, Dice& dice, Text pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      const size_t end = std::min(pattern.find('%', i + 1), pattern.size());
      out += pattern.substr(i, end - i);
      i = end - 1;
      continue;
    }
    switch (pattern[++i]) {
      case 'n':
        out += std::to_string(dice.between(2, 10) < 5 ? dice.between(3, 40) : dice.between(1000, 99'999));
        break;
      case 'm':
        out += std::to_string(dice.between(40, 9'900));
        out += dice.form(".%D%d EUR");
        break;
      case 'd':
        out += dice.of(days);
        break;
      case 'w':
        out += dice.of(things);
        break;
      case 't':
        out += std::to_string(dice.between(8, 17));
        out += dice.permille(500) ? ":30" : ":00";
        break;
      default:
        break;
    }
  }
}

}  // namespace

std::string draw_subject(Dice& dice, Topic topic, Language language) {
  std::string out;
  const Texts other = other_subjects[static_cast<size_t>(language)];
  append_filled(out, dice, dice.of(other.empty() ? english_subjects[static_cast<size_t>(topic)] : other));
  return out;
}

std::string_view answer_prefix(Language language) { return answer_prefixes[static_cast<size_t>(language)]; }

void append_paragraph(std::string& out, Dice& dice, Topic topic, Language language) {
  const Texts other = other_texts[static_cast<size_t>(language)];
  const Texts pool = other.empty() ? english_texts[static_cast<size_t>(topic)] : other;
  const auto sentences = dice.between(1, 5);
  const size_t start = dice.below(pool.size());
  const size_t step = pool.size() % 5 == 0 ? 3 : 5;  // visits every sentence of a pool before it comes again
  for (int64_t i = 0; i < sentences && i < static_cast<int64_t>(pool.size()); ++i) {
    if (i > 0) out += ' ';
    append_filled(out, dice, pool[(start + static_cast<size_t>(i) * step) % pool.size()]);
  }
}

std::string_view draw_greeting(Dice& dice, Language language) {
  return dice.of(greetings[static_cast<size_t>(language)]);
}
std::string_view draw_closing(Dice& dice, Language language) {
  return dice.of(closings[static_cast<size_t>(language)]);
}
std::string_view draw_link_text(Dice& dice) { return dice.of(link_texts); }

std::string draw_file_name(Dice& dice, std::string_view extension) {
  std::string name(dice.of(file_stems));
  name += dice.permille(500) ? "_" : "-";
  dice.append(name, digits, 4);
  return name + "." + std::string(extension);
}

}  // namespace bonafide::app::demo
