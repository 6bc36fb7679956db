#include "app/live_views.hpp"

namespace bonafide::app {

LiveViews::LiveViews(size_t most, env::Logger& logger, env::Metrics& metrics)
    : most_(most),
      logger_(logger),
      open_gauge_(metrics.gauge("bonafide_live_views", "Streams that are being watched now.")),
      slow_(metrics.counter("bonafide_live_views_given_up_total",
                            "Watchers who read so slowly that they were given up.")) {}

void LiveViews::count(int change) { open_gauge_.set(static_cast<double>(change > 0 ? ++open_ : --open_)); }

Result<std::shared_ptr<net::BodySource>> LiveViews::start(Show show) {
  count(+1);
  if (open_.load() > most_) {
    count(-1);
    return Error{Cause::exhausted, "as many streams are being watched as may be (" + std::to_string(most_) +
                                       ", api.max_views); try again when one has ended"};
  }
  // Given back when the last copy of the function goes, whichever way it ended.
  const std::shared_ptr<void> place(nullptr, [this](void*) { count(-1); });
  BodyProducers::Limits limits{
      bytes_ahead, patience, [this] {
        slow_.add();
        logger_.warn("view.given_up", {{"reason", "the other side read too slowly"}});
      }};
  return bodies_.start([this, show = std::move(show),
                        place](const Put& put) { return show(put, [this] { return closing_.load(); }); },
                       limits);
}

}  // namespace bonafide::app
