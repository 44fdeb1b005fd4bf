// Node's fetch: URL and URLSearchParams, JSON both ways; then the requests that the tests of the platform's mobile application make.
const base = process.env.MPT_API_BASE_URL + "/v1/accounts";
const oddNames = process.env.ODD_NAMES.split("\n");

const say = (step, reply, saw = null) => console.log(JSON.stringify([step, reply.status, saw]));
const pick = (token, ...fields) => fields.map((field) => token[field]);
const modules = (token) => token.modules.map((module) => module.id);
const quoted = (value) => (value.includes("'") ? `"${value}"` : `'${value}'`);

function caller(credential) {
  return async (method, path, { query, json, body, headers } = {}) => {
    const url = new URL(base + path);
    if (query) url.search = typeof query === "string" ? query : new URLSearchParams(query);
    const reply = await fetch(url, {
      method,
      headers: { Authorization: `Bearer ${credential}`, ...(json !== undefined && { "Content-Type": "application/json" }), ...headers },
      body: json !== undefined ? JSON.stringify(json) : body,
    });
    const text = await reply.text();
    return { status: reply.status, headers: reply.headers, size: text.length, json: text ? JSON.parse(text) : null };
  };
}

const api = caller(process.env.MPT_API_TOKEN);
const operations = caller(process.env.MPT_OPERATIONS_TOKEN);

async function flow() {
  const made = await api("POST", "/api-tokens", {
    json: {
      account: { id: "ACC-2000-0001" }, name: "Conformance robot", description: "Made here", icon: "",
      modules: [{ id: "MOD-1756" }, { id: "MOD-9042" }],
    },
  });
  const token = made.json;
  say("create", made, [...pick(token, "name", "description", "icon", "status", "revision"), modules(token),
    token.token.startsWith(`idt:${token.id}:`), token.audit.created.by]);
  const path = `/api-tokens/${token.id}`;

  const got = await api("GET", path);
  say("get", got, JSON.stringify(got.json) === JSON.stringify(token));
  let page = await api("GET", "/api-tokens", { query: { limit: 10, offset: 0 } });
  say("list", page, [page.json.$meta.pagination, page.json.$meta.omitted.sort(), page.json.data.length]);

  const ids = [];
  for (let offset = 0, total = 1; offset < total;) {
    page = await api("GET", "/api-tokens", { query: { limit: 7, offset, order: "id" } });
    ids.push(...page.json.data.map((tok) => tok.id));
    ({ total } = page.json.$meta.pagination);
    offset += page.json.$meta.pagination.limit;
  }
  say("list to the end", page, [ids.length, new Set(ids).size, ids.join() === [...ids].sort().join(), ids.includes(token.id)]);

  let found = await api("GET", "/api-tokens", { query: { status: "Disabled", limit: 100 } });
  say("filter", found, found.json.$meta.pagination.total);
  for (const name of oddNames) {
    found = await api("GET", "/api-tokens", { query: { name: quoted(name) } });
    say(`filter: ${name}`, found, found.json.data.map((tok) => tok.name));
  }
  found = await api("GET", "/api-tokens", {
    query: "ilike(name,*ROBOT*)&gt(lastAccessAt,2024-03-19T00:00:00.000Z)&order=-name&select=modules,-token&limit=2",
  });
  say("filter, order and select", found, [found.json.data.map((tok) => [tok.name, modules(tok), "token" in tok]),
    found.json.$meta.omitted.sort()]);

  let changed = await api("PUT", path, { json: { name: "Renamed" } });
  say("update: a value", changed, [...pick(changed.json, "name", "description", "icon", "revision"), modules(changed.json)]);
  changed = await api("PUT", path, { json: { description: null, icon: undefined } });
  say("update: null", changed, pick(changed.json, "name", "description", "revision"));
  changed = await api("PUT", path, { json: {} });
  say("update: nothing", changed, pick(changed.json, "name", "description", "revision"));
  changed = await api("PUT", path, {
    json: { modules: [{ id: "MOD-9042" }], account: { id: "ACC-3000-0001" }, icon: "", status: "Deleted" },
  });
  say("update: modules, and what is ignored", changed, [modules(changed.json), changed.json.account.id, changed.json.status]);

  const itself = caller(token.token);
  say("its own credential", await itself("GET", path));
  const off = await api("POST", `${path}/disable`);
  say("disable", off, [...pick(off.json, "status", "revision"), off.json.audit.disabled.by.id]);
  say("disable again", await api("POST", `${path}/disable`));
  say("its own credential, disabled", await itself("GET", path));
  const on = await api("POST", `${path}/enable`);
  say("enable", on, pick(on.json, "status", "revision"));
  say("enable again", await api("POST", `${path}/enable`));
  const gone = await api("DELETE", path);
  say("delete", gone, gone.size);
  for (const [step, method, action, json] of [["get", "GET", ""], ["update", "PUT", "", { name: "x" }], ["delete", "DELETE", ""],
    ["enable", "POST", "/enable"]]) {
    const reply = await api(method, path + action, { json });
    say(`${step} after delete`, reply, reply.json.title);
  }
  const seen = await operations("GET", path);
  say("get after delete, by operations", seen, seen.json.status);
}

async function errors() {
  const bare = await fetch(`${base}/api-tokens`);
  const problem = await bare.json();
  say("no credential", bare, [problem.title, problem.status, bare.headers.get("WWW-Authenticate")]);
  let reply = await caller("idt:TKN-2000-0001:nonsense")("GET", "/api-tokens");
  say("a wrong credential", reply, reply.json.title);
  reply = await api("POST", "/api-tokens", { json: { name: "a&b", description: 5, modules: [{ id: "MOD-0000" }] } });
  say("what is not valid", reply, [reply.json.title, reply.json.detail, Object.keys(reply.json.errors).sort()]);
  reply = await api("POST", "/api-tokens", { body: "{", headers: { "Content-Type": "application/json" } });
  say("what is not JSON", reply, Object.keys(reply.json.errors));
  reply = await api("GET", "/api-tokens", { query: { bogus: 1 } });
  say("a filter that is wrong", reply, reply.json.errors);
  reply = await api("GET", "/api-tokens/TKN-0000-0000");
  say("no such token", reply, reply.json.title);
  reply = await api("GET", "/api-tokenz");
  say("no such path", reply, reply.json);
  reply = await api("PATCH", "/api-tokens/TKN-2000-1001", { json: {} });
  say("no such method", reply, reply.headers.get("Allow"));
  reply = await api("PUT", "/api-tokens/TKN-2000-1001", { body: new URLSearchParams({ name: "x" }) });
  say("another content type", reply, reply.json.title);
  reply = await api("HEAD", "/api-tokens/TKN-2000-1001");
  say("HEAD", reply, [reply.headers.get("Content-Type"), reply.size]);
  reply = await api("OPTIONS", "/api-tokens");
  say("OPTIONS", reply, reply.headers.get("Allow"));
}

async function accounts() {
  let reply = await api("GET", "/modules");
  say("modules of a vendor", reply, reply.json.title);
  reply = await operations("GET", "/modules", { query: "in(id,('MOD-1756','MOD-9042'))&limit=100" });
  say("modules", reply, reply.json.data.map((module) => module.name));
  reply = await operations("GET", "/modules/MOD-1756");
  say("module", reply, [reply.json.name, Object.keys(reply.json.settings).sort()]);
  reply = await api("POST", "/api-tokens", { json: { account: { id: "ACC-3000-0001" }, name: "x" } });
  say("create for another, by a vendor", reply);
  const made = await operations("POST", "/api-tokens", {
    json: { account: { id: "ACC-3000-0001" }, name: "For Fabrikam", modules: [{ id: "MOD-0622" }] },
  });
  say("create for another, by operations", made, made.json.account);
  const other = caller(made.json.token);
  const seen = await other("GET", "/api-tokens", { query: { order: "id" } });
  say("what the other sees", seen, seen.json.data.map((tok) => tok.name).sort());
  say("what the other does not see", await other("GET", "/api-tokens/TKN-2000-1001"));
}

// mpt-mobile-platform: default modules of an account type, a search with double quotes as they are, a token made when none is found.
async function asTheMobileApplication() {
  const list = await operations("GET", "/modules", { query: "select=accountTypes&limit=100" });
  const defaults = list.json.data.filter((module) => module.accountTypes?.includes("Client")
    && module.settings?.default === true && module.settings?.paid === false).map((module) => module.id);
  say("mobile: default modules", list, defaults);
  const search = '?eq(account.id,"ACC-3000-0001")&eq(status,"Active")&like(name,"mobile-e2e-setup-*")&limit=10';
  let found = await operations("GET", "/api-tokens", { query: search });
  say("mobile: search, none", found, found.json.data.length);
  const made = await operations("POST", "/api-tokens", {
    json: {
      account: { id: "ACC-3000-0001" }, name: "mobile-e2e-setup-1732600000000", description: "Auto-created (Client)", icon: "",
      extensions: null, modules: defaults.map((id) => ({ id })),
    },
  });
  say("mobile: create", made, modules(made.json).join() === defaults.join());
  found = await operations("GET", "/api-tokens", { query: search });
  const again = await operations("GET", `/api-tokens/${found.json.data[0].id}`);
  say("mobile: search, and reuse", again, again.json.token === made.json.token);
  say("mobile: a call as the client", await caller(again.json.token)("GET", "/api-tokens?limit=1"));
}

await flow();
await errors();
await accounts();
await asTheMobileApplication();
