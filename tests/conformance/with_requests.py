"""Python's requests, as its users write: a session, dictionaries of parameters, and raise_for_status or a look at the status."""
import json
import os
from urllib.parse import quote, urljoin

import requests

BASE = os.environ["MPT_API_BASE_URL"] + "/v1/accounts"
TOKENS, MODULES = BASE + "/api-tokens", BASE + "/modules"
ODD_NAMES = os.environ["ODD_NAMES"].split("\n")


def session_of(credential):
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + credential
    return session


api = session_of(os.environ["MPT_API_TOKEN"])
operations = session_of(os.environ["MPT_OPERATIONS_TOKEN"])


def say(step, reply, saw=None):
    print(json.dumps([step, reply.status_code, saw]))


def modules(token):
    return [module["id"] for module in token["modules"]]


def quoted(value):
    return f'"{value}"' if "'" in value else f"'{value}'"


def flow():
    made = api.post(TOKENS, json={"account": {"id": "ACC-2000-0001"}, "name": "Conformance robot", "description": "Made here",
                                  "icon": "", "modules": [{"id": "MOD-1756"}, {"id": "MOD-9042"}]})
    token = made.json()
    say("create", made, [token["name"], token["description"], token["icon"], token["status"], token["revision"], modules(token),
                         token["token"].startswith(f"idt:{token['id']}:"), token["audit"]["created"]["by"]])
    url = f"{TOKENS}/{token['id']}"

    got = api.get(url)
    say("get", got, got.json() == token)

    page = api.get(TOKENS, params={"limit": 10, "offset": 0})
    meta = page.json()["$meta"]
    say("list", page, [meta["pagination"], sorted(meta["omitted"]), len(page.json()["data"])])

    ids, offset = [], 0
    while True:
        page = api.get(TOKENS, params={"limit": 7, "offset": offset, "order": "id"})
        page.raise_for_status()
        ids += [tok["id"] for tok in page.json()["data"]]
        paging = page.json()["$meta"]["pagination"]
        offset += paging["limit"]
        if offset >= paging["total"]:
            break
    say("list to the end", page, [len(ids), len(set(ids)), ids == sorted(ids), token["id"] in ids])

    found = api.get(TOKENS, params={"status": "'Disabled'", "limit": 100})
    say("filter", found, found.json()["$meta"]["pagination"]["total"])

    for name in ODD_NAMES:
        found = api.get(TOKENS, params={"name": quoted(name)})
        say("filter: " + name, found, [tok["name"] for tok in found.json()["data"]])

    found = api.get(TOKENS, params="and(ilike(name,'*ROBOT*'),gt(lastAccessAt,'2024-03-19T00:00:00.000Z'))&order=-name&select=modules,-token&limit=2")
    say("filter, order and select", found, [[[tok["name"], modules(tok), "token" in tok] for tok in found.json()["data"]],
                                            sorted(found.json()["$meta"]["omitted"])])

    changed = api.put(url, json={"name": "Renamed"})
    say("update: a value", changed, [changed.json().get(f) for f in ("name", "description", "icon", "revision")] + [modules(changed.json())])
    changed = api.put(url, json={"description": None})
    say("update: null", changed, [changed.json().get(f) for f in ("name", "description", "revision")])
    changed = api.put(url, json={})
    say("update: nothing", changed, [changed.json().get(f) for f in ("name", "description", "revision")])
    changed = api.put(url, json={"modules": [{"id": "MOD-9042"}], "account": {"id": "ACC-3000-0001"}, "icon": "", "status": "Deleted"})
    say("update: modules, and what is ignored", changed, [modules(changed.json()), changed.json()["account"]["id"], changed.json()["status"]])

    itself = session_of(token["token"])
    say("its own credential", itself.get(url))
    off = api.post(url + "/disable")
    say("disable", off, [off.json()["status"], off.json()["revision"], off.json()["audit"]["disabled"]["by"]["id"]])
    say("disable again", api.post(url + "/disable"))
    say("its own credential, disabled", itself.get(url))
    on = api.post(url + "/enable")
    say("enable", on, [on.json()["status"], on.json()["revision"]])
    say("enable again", api.post(url + "/enable"))
    gone = api.delete(url)
    say("delete", gone, len(gone.content))
    for step, reply in (("get", api.get(url)), ("update", api.put(url, json={"name": "x"})), ("delete", api.delete(url)),
                        ("enable", api.post(url + "/enable"))):
        say(f"{step} after delete", reply, reply.json()["title"])
    say("get after delete, by operations", operations.get(url), operations.get(url).json()["status"])


def errors():
    reply = requests.get(TOKENS)
    say("no credential", reply, [reply.json()["title"], reply.json()["status"], reply.headers["WWW-Authenticate"]])
    reply = session_of("idt:TKN-2000-0001:nonsense").get(TOKENS)
    say("a wrong credential", reply, reply.json()["title"])
    reply = api.post(TOKENS, json={"name": "a&b", "description": 5, "modules": [{"id": "MOD-0000"}]})
    say("what is not valid", reply, [reply.json()["title"], reply.json()["detail"], sorted(reply.json()["errors"])])
    reply = api.post(TOKENS, data="{", headers={"Content-Type": "application/json"})
    say("what is not JSON", reply, sorted(reply.json()["errors"]))
    reply = api.get(TOKENS, params={"bogus": "1"})
    say("a filter that is wrong", reply, reply.json()["errors"])
    reply = api.get(TOKENS + "/TKN-0000-0000")
    say("no such token", reply, reply.json()["title"])
    reply = api.get(BASE + "/api-tokenz")
    say("no such path", reply, reply.json())
    reply = api.patch(TOKENS + "/TKN-2000-1001", json={})
    say("no such method", reply, reply.headers["Allow"])
    reply = api.put(TOKENS + "/TKN-2000-1001", data="name=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    say("another content type", reply, reply.json()["title"])
    reply = api.head(TOKENS + "/TKN-2000-1001")
    say("HEAD", reply, [reply.headers["Content-Type"], len(reply.content)])
    reply = api.options(TOKENS)
    say("OPTIONS", reply, reply.headers["Allow"])


def accounts():
    reply = api.get(MODULES)
    say("modules of a vendor", reply, reply.json()["title"])
    reply = operations.get(MODULES, params="in(id,('MOD-1756','MOD-9042'))&limit=100")
    say("modules", reply, [module["name"] for module in reply.json()["data"]])
    reply = operations.get(MODULES + "/MOD-1756")
    say("module", reply, [reply.json()["name"], sorted(reply.json()["settings"])])
    reply = api.post(TOKENS, json={"account": {"id": "ACC-3000-0001"}, "name": "x"})
    say("create for another, by a vendor", reply)
    made = operations.post(TOKENS, json={"account": {"id": "ACC-3000-0001"}, "name": "For Fabrikam", "modules": [{"id": "MOD-0622"}]})
    say("create for another, by operations", made, made.json()["account"])
    seen = session_of(made.json()["token"]).get(TOKENS, params={"order": "id"})
    say("what the other sees", seen, sorted(tok["name"] for tok in seen.json()["data"]))
    reply = session_of(made.json()["token"]).get(TOKENS + "/TKN-2000-1001")
    say("what the other does not see", reply)


def as_the_platforms_command_line():
    """swo-marketplace-cli: a base URL with a slash joined to a path, and the token looked up by its own secret, unquoted."""
    own = os.environ["MPT_API_TOKEN"]
    client = session_of(own)
    client.headers["User-Agent"] = "swo-marketplace-cli/1.0"
    reply = client.get(urljoin(os.environ["MPT_API_BASE_URL"] + "/v1/", f"accounts/api-tokens?limit=2&token={own}"))
    found = reply.json()["data"]
    say("command line: accounts add", reply, [[tok["id"], tok["token"] == own, tok["account"]] for tok in found])
    reply = client.get(f"{TOKENS}?eq(token,'{quote(own, safe='')}')&limit=2")
    say("look-up by eq(token)", reply, [tok["id"] for tok in reply.json()["data"]])


flow()
errors()
accounts()
as_the_platforms_command_line()
