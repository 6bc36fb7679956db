#include "app/demo/company.hpp"
#include "app/live_service.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
namespace bonafide::app {
int run_demo(const Common&, const DemoOptions&) { return exit_software; }
}  // namespace bonafide::app
