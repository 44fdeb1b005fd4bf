"""Python's httpx: a client with a base URL and an auth hook; then the requests of the platform's own Python client, in its form."""
import json
import os
from urllib.parse import quote

import httpx

ODD_NAMES = os.environ["ODD_NAMES"].split("\n")


def bearer(credential):
    def auth(request):
        request.headers["Authorization"] = "Bearer " + credential
        return request
    return auth


def client_of(credential, **more):
    return httpx.Client(base_url=os.environ["MPT_API_BASE_URL"] + "/v1/accounts/", auth=bearer(credential), timeout=20, **more)


api = client_of(os.environ["MPT_API_TOKEN"])
operations = client_of(os.environ["MPT_OPERATIONS_TOKEN"])


def say(step, reply, saw=None):
    print(json.dumps([step, reply.status_code, saw]))


def pick(reply, *fields):
    return [reply.json().get(field) for field in fields]


def modules(token):
    return [module["id"] for module in token["modules"]]


def quoted(value):
    return quote(f'"{value}"' if "'" in value else f"'{value}'", safe="")


def flow():
    made = api.post("api-tokens", json={"account": {"id": "ACC-2000-0001"}, "name": "Conformance robot", "description": "Made here",
                                        "icon": "", "modules": [{"id": "MOD-1756"}, {"id": "MOD-9042"}]})
    token = made.json()
    say("create", made, pick(made, "name", "description", "icon", "status", "revision") + [
        modules(token), token["token"].startswith(f"idt:{token['id']}:"), token["audit"]["created"]["by"]])
    url = "api-tokens/" + token["id"]

    got = api.get(url)
    say("get", got, got.json() == token)
    page = api.get("api-tokens", params={"limit": 10, "offset": 0})
    meta = page.json()["$meta"]
    say("list", page, [meta["pagination"], sorted(meta["omitted"]), len(page.json()["data"])])

    ids, total, offset = [], 1, 0
    while offset < total:
        page = api.get(f"api-tokens?limit=7&offset={offset}&order=id")
        ids += [tok["id"] for tok in page.json()["data"]]
        paging = page.json()["$meta"]["pagination"]
        total, offset = paging["total"], offset + paging["limit"]
    say("list to the end", page, [len(ids), len(set(ids)), ids == sorted(ids), token["id"] in ids])

    found = api.get("api-tokens?eq(status,'Disabled')&limit=100")
    say("filter", found, found.json()["$meta"]["pagination"]["total"])
    for name in ODD_NAMES:
        found = api.get(f"api-tokens?eq(name,{quoted(name)})")
        say("filter: " + name, found, [tok["name"] for tok in found.json()["data"]])
    found = api.get("api-tokens?limit=2&order=-name&select=modules,-token"
                    "&ilike(name,'*ROBOT*')&gt(lastAccessAt,'2024-03-19T00:00:00.000Z')")
    say("filter, order and select", found, [[[tok["name"], modules(tok), "token" in tok] for tok in found.json()["data"]],
                                            sorted(found.json()["$meta"]["omitted"])])

    changed = api.put(url, json={"name": "Renamed"})
    say("update: a value", changed, pick(changed, "name", "description", "icon", "revision") + [modules(changed.json())])
    changed = api.put(url, json={"description": None})
    say("update: null", changed, pick(changed, "name", "description", "revision"))
    changed = api.put(url, json={})
    say("update: nothing", changed, pick(changed, "name", "description", "revision"))
    changed = api.put(url, json={"modules": [{"id": "MOD-9042"}], "account": {"id": "ACC-3000-0001"}, "icon": "", "status": "Deleted"})
    say("update: modules, and what is ignored", changed, [modules(changed.json()), changed.json()["account"]["id"], changed.json()["status"]])

    itself = client_of(token["token"])
    say("its own credential", itself.get(url))
    off = api.post(url + "/disable")
    say("disable", off, pick(off, "status", "revision") + [off.json()["audit"]["disabled"]["by"]["id"]])
    say("disable again", api.post(url + "/disable"))
    say("its own credential, disabled", itself.get(url))
    on = api.post(url + "/enable")
    say("enable", on, pick(on, "status", "revision"))
    say("enable again", api.post(url + "/enable"))
    gone = api.delete(url)
    say("delete", gone, len(gone.content))
    for step, reply in (("get", api.get(url)), ("update", api.put(url, json={"name": "x"})), ("delete", api.delete(url)),
                        ("enable", api.post(url + "/enable"))):
        say(f"{step} after delete", reply, reply.json()["title"])
    seen = operations.get(url)
    say("get after delete, by operations", seen, seen.json()["status"])


def errors():
    reply = httpx.get(f"{api.base_url}api-tokens")
    say("no credential", reply, pick(reply, "title", "status") + [reply.headers["WWW-Authenticate"]])
    reply = client_of("idt:TKN-2000-0001:nonsense").get("api-tokens")
    say("a wrong credential", reply, reply.json()["title"])
    reply = api.post("api-tokens", json={"name": "a&b", "description": 5, "modules": [{"id": "MOD-0000"}]})
    say("what is not valid", reply, pick(reply, "title", "detail") + [sorted(reply.json()["errors"])])
    reply = api.post("api-tokens", content=b"{", headers={"Content-Type": "application/json"})
    say("what is not JSON", reply, sorted(reply.json()["errors"]))
    reply = api.get("api-tokens?bogus=1")
    say("a filter that is wrong", reply, reply.json()["errors"])
    reply = api.get("api-tokens/TKN-0000-0000")
    say("no such token", reply, reply.json()["title"])
    reply = api.get("api-tokenz")
    say("no such path", reply, reply.json())
    reply = api.patch("api-tokens/TKN-2000-1001", json={})
    say("no such method", reply, reply.headers["Allow"])
    reply = api.put("api-tokens/TKN-2000-1001", data={"name": "x"})
    say("another content type", reply, reply.json()["title"])
    reply = api.head("api-tokens/TKN-2000-1001")
    say("HEAD", reply, [reply.headers["Content-Type"], len(reply.content)])
    reply = api.options("api-tokens")
    say("OPTIONS", reply, reply.headers["Allow"])


def accounts():
    reply = api.get("modules")
    say("modules of a vendor", reply, reply.json()["title"])
    reply = operations.get("modules?in(id,('MOD-1756','MOD-9042'))&limit=100")
    say("modules", reply, [module["name"] for module in reply.json()["data"]])
    reply = operations.get("modules/MOD-1756")
    say("module", reply, [reply.json()["name"], sorted(reply.json()["settings"])])
    reply = api.post("api-tokens", json={"account": {"id": "ACC-3000-0001"}, "name": "x"})
    say("create for another, by a vendor", reply)
    made = operations.post("api-tokens", json={"account": {"id": "ACC-3000-0001"}, "name": "For Fabrikam", "modules": [{"id": "MOD-0622"}]})
    say("create for another, by operations", made, made.json()["account"])
    other = client_of(made.json()["token"])
    seen = other.get("api-tokens?order=id")
    say("what the other sees", seen, sorted(tok["name"] for tok in seen.json()["data"]))
    say("what the other does not see", other.get("api-tokens/TKN-2000-1001"))


class PlatformsClient:
    """mpt-api-python-client: what it sends, in its own form: paths from the root, `limit` and `offset` first, then `order`, `select`
    and the filter, which its old versions leave unquoted; Accept on single tokens; a stream that it believes only if confirmed."""

    def __init__(self, credential):
        self.http = httpx.Client(base_url=os.environ["MPT_API_BASE_URL"].removesuffix("/public"), follow_redirects=True, timeout=20,
                                 headers={"User-Agent": "swo-marketplace-client/1.0"}, auth=bearer(credential))

    def one(self, method, path, body=None):
        return self.http.request(method, "/public/v1/accounts/" + path, json=body, headers={"Accept": "application/json"})

    def page(self, path, rql="", order="", select="", limit=100, offset=0):
        parts = [f"limit={limit}", f"offset={offset}", order and "order=" + order, select and "select=" + select, rql]
        return self.http.get(f"/public/v1/accounts/{path}?" + "&".join(part for part in parts if part))

    def iterate(self, path, size, **query):
        page, total, offset = 0, 1, 0
        while page * size < total:
            reply = self.page(path, limit=size, offset=offset, **query)
            paging = reply.json()["$meta"]["pagination"]
            yield from reply.json()["data"]
            page, total, offset = paging["offset"] // paging["limit"] + 1, paging["total"], paging["offset"] + paging["limit"]

    def stream(self, path, accept, query=""):
        with self.http.stream("GET", f"/public/v1/accounts/{path}{query}", headers={"Accept": accept, "MPT-Streaming": "true"}) as reply:
            reply.read()
        return reply


def as_the_platforms_client():
    vendor = PlatformsClient(os.environ["MPT_API_TOKEN"])
    reply = vendor.page("api-tokens", "and(eq(id,TKN-2000-1001),eq(name,Robot 01))", select="-name")
    say("client: filter, unquoted", reply, [[tok["id"], "name" in tok] for tok in reply.json()["data"]])
    reply = vendor.page("api-tokens", "and(eq(id,'TKN-2000-1001'),eq(name,'Robot%2001'))", select="-name")
    say("client: filter, quoted", reply, [[tok["id"], "name" in tok] for tok in reply.json()["data"]])
    for field, value in (("name", "O'Neil bot"), ("name", 'the "one"')):
        reply = vendor.page("api-tokens", f"eq({field},{quoted(value)})", limit=1)
        say("client: exactly one: " + value, reply, reply.json()["$meta"]["pagination"]["total"])
    reply = vendor.page("api-tokens", "and(in(status,(Active,Disabled)),ne(lastAccessAt,null()),not(like(name,Robot*)))", order="name")
    say("client: operators", reply, len(reply.json()["data"]))
    found = list(vendor.iterate("api-tokens", 6, order="-audit.created.at,id", select="audit"))
    say("client: iterate", reply, [len(found), len({tok["id"] for tok in found}), sorted(found[0]["audit"])])

    made = vendor.one("POST", "api-tokens", {"account": {"id": "ACC-2000-0001"}, "name": "E2E Test API Token", "description": "d", "icon": "",
                                             "modules": [{"id": "MOD-1756"}]})
    url = "api-tokens/" + made.json()["id"]
    say("client: create", made, made.json()["name"])
    reply = vendor.one("PUT", url, {"account": {"id": "ACC-2000-0001"}, "name": "E2E Updated", "description": "d", "icon": "",
                                    "modules": [{"id": "MOD-1756"}]})
    say("client: update with all of it", reply, pick(reply, "name", "revision"))
    for action in ("disable", "enable"):
        reply = vendor.one("POST", f"{url}/{action}")
        say("client: " + action, reply, reply.json()["status"])
    reply = vendor.one("GET", url + "?select=-modules,-audit")
    say("client: get with select", reply, sorted(set(made.json()) - set(reply.json())))
    say("client: delete", vendor.http.delete("/public/v1/accounts/" + url))
    for method, path, body in (("GET", "", None), ("PUT", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/enable", None)):
        reply = vendor.one(method, "api-tokens/TKN-0000-0000" + path, body)
        say(f"client: {method} of none", reply, f"{reply.json().get('status')} {reply.json().get('title')}")


def as_the_platforms_client_streams():
    vendor, marketplace = PlatformsClient(os.environ["MPT_API_TOKEN"]), PlatformsClient(os.environ["MPT_OPERATIONS_TOKEN"])

    def confirmed(reply):
        return [reply.headers.get(name) for name in ("MPT-Streaming", "MPT-Item-Count", "Content-Type")]

    reply = vendor.stream("api-tokens", "application/jsonl", "?order=name&select=-token")
    rows = [json.loads(line) for line in reply.text.splitlines()]
    say("stream: lines", reply, [confirmed(reply), len(rows), rows[0]["name"], "token" in rows[0]])
    reply = vendor.stream("api-tokens", "application/json", "?limit=3&order=name&status=Active")
    say("stream: an envelope", reply, [confirmed(reply), reply.json()["$meta"]["pagination"]["total"], len(reply.json()["data"])])
    reply = vendor.stream("api-tokens", "application/jsonl", "?limit=-1")
    say("stream: all of it, said so", reply, confirmed(reply)[1])
    reply = vendor.stream("api-tokens", "application/jsonl", "?offset=5")
    say("stream: an offset", reply, sorted(reply.json()["errors"]))
    reply = vendor.stream("api-tokens", "application/x-ndjson")
    say("stream: another format", reply, reply.json()["title"])
    reply = marketplace.stream("modules", "application/jsonl", "?like(name,A*)")
    say("stream: modules", reply, [json.loads(line)["id"] for line in reply.text.splitlines()])


flow()
errors()
accounts()
as_the_platforms_client()
as_the_platforms_client_streams()
