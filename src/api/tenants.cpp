// GET, PUT and DELETE /v1/tenants/{name}, GET /v1/tenants.
#include "api/tenants.hpp"

#include "api/api.hpp"
#include "api/parameters.hpp"
#include "api/problem.hpp"

namespace bonafide::api {

void Api::with_tenants(Call& call, std::function<Result<std::string>(TenantAdmin&)> work) {
  service_.with_tenants(
      [answer = answer_to(call), work = std::move(work)](TenantAdmin& tenants) { answer(work(tenants)); });
}

void Api::get_tenants(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  with_tenants(call, [](TenantAdmin& tenants) { return tenants.list(); });
}

void Api::get_tenant(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  with_tenants(call, [name = call.arguments[0]](TenantAdmin& tenants) { return tenants.show(name); });
}

void Api::put_tenant(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  const bool only_new = parameters.flag("only_new");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  with_tenants(call, [name = call.arguments[0], json = std::move(call.request.body),
                      only_new](TenantAdmin& tenants) { return tenants.put(name, json, only_new); });
}

void Api::delete_tenant(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  with_tenants(call, [name = call.arguments[0]](TenantAdmin& tenants) { return tenants.remove(name); });
}

}  // namespace bonafide::api
