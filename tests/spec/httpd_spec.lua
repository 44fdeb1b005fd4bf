-- The HTTP server: what arrives, what is sent, and what happens to those who leave or are not answered. The client is curl.
local httpd = require "moonkey.httpd"
local process = require "moonkey.process"
local task = require "moonkey.task"

-- Run a shell command while other tasks go on; the lines that it printed before "end".
local function shell(command)
  local p = assert(process.spawn({ "bash", "-c", command .. "; echo; echo end" }))
  local lines = {}
  while true do
    local line, why = p:read_line(0.003)
    if line == "end" then
      break
    elseif line then
      lines[#lines + 1] = (line:gsub("\r$", ""))
    else
      assert(why ~= "it ended", "the command ended early")
      task.sleep(0.005)
    end
  end
  p:stop()
  return table.concat(lines, "\n")
end

-- Until so many have connected to the port, and had a moment to send their requests.
local function wait_for_clients(port, count)
  local connected = ("grep -c ' 0100007F:%04X .* 01 ' /proc/net/tcp"):format(port)
  while tonumber(shell(connected):match("%d+")) < count do task.sleep(0.02) end
  task.sleep(0.2)
end

describe("moonkey.httpd", function()
  local server, url, port

  -- Answer with what `answer(request)` returns until the test ends.
  local function serve(answer, options)
    server = assert(httpd.listen(options or {}))
    port = server:port()
    url = "http://127.0.0.1:" .. port
    task.spawn(function()
      for batch in server.accept, server do
        for _, request in ipairs(batch) do
          request:reply(answer(request))
        end
      end
    end)
  end

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  it("hands over the request as it came", function()
    local seen
    serve(function(r)
      seen = { r.method, r.path, r.query, r.headers["x-two"], r.headers["content-type"], r.body }
      return 200, "ok"
    end)
    assert.matches("^ok", shell(("curl -sg -X PUT -H 'X-Two: a' -H 'X-TWO: b' -H 'Content-Type: text/x' -d 'żółw'"
      .. " '%s/a%%2Fb/%%C5%%BC?eq(a,%%27+b)&x=%%00'"):format(url)))
    assert.same({ "PUT", "/a%2Fb/%C5%BC", "eq(a,%27+b)&x=%00", "a, b", "text/x", "żółw" }, seen)
  end)

  it("has neither query nor body where there is none", function()
    local seen
    serve(function(r)
      seen = table.pack(r.query, r.body)
      return 204
    end)
    assert.matches("204", shell("curl -s -w '%{http_code}' " .. url .. "/x"))
    assert.same({ n = 2 }, seen)
  end)

  it("sends the status, the headers and the body", function()
    serve(function()
      return 418, "tea", { ["Content-Type"] = "text/tea", ["X-A"] = "1" }
    end)
    local text = shell("curl -si " .. url)
    assert.matches("^HTTP/1.1 418 ", text)
    assert.matches("\nContent%-Type: text/tea\n", text)
    assert.matches("\nX%-A: 1\n", text)
    assert.matches("\n\ntea", text)
  end)

  it("answers HEAD without a body", function()
    serve(function()
      return 200, "body"
    end)
    local text = shell("curl -sI " .. url)
    assert.matches("Content%-Length: 4", text)
    assert.not_matches("body", text)
  end)

  it("keeps connections alive", function()
    serve(function(r)
      return 200, r.path .. "\n"
    end)
    assert.equal("/a\n1\n/b\n0\n", shell(("curl -s -w '%%{num_connects}\\n' %s/a %s/b"):format(url, url)))
  end)

  it("refuses a body over its limit, announced or not, and takes one that is just within it", function()
    local lengths = {}
    serve(function(r)
      lengths[#lengths + 1] = #r.body
      return 200
    end, { max_body = 1000 })
    local command = "head -c %d /dev/zero | curl -s -o /dev/null -w '%%{http_code} ' %s --data-binary @- %s"
    assert.matches("^200 ", shell(command:format(1000, "", url)))
    assert.matches("^413 ", shell(command:format(1001, "", url)))
    assert.matches("^413 ", shell(command:format(1001, "-H 'Transfer-Encoding: chunked'", url)))
    assert.matches("^413 ", shell(command:format(2000000, "", url))) -- curl asks first whether it may send that much
    assert.same({ 1000 }, lengths)
  end)

  it("hands over all requests that wait, at once", function()
    server = assert(httpd.listen({}))
    url = "http://127.0.0.1:" .. server:port()
    local client = task.spawn(shell, ("for i in 1 2 3; do curl -s %s/$i & done; wait"):format(url))
    task.sleep(1)
    local batch = server:accept()
    assert.equal(3, #batch)
    for _, request in ipairs(batch) do
      assert.is_true(request:reply(200, "!"))
    end
    assert.matches("!!!", client:join())
  end)

  it("survives a client that leaves while its request waits", function()
    server = assert(httpd.listen({}))
    shell(("exec 3<>/dev/tcp/127.0.0.1/%d; printf 'GET /gone HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; exec 3>&-"):format(
      server:port()))
    local batch = server:accept()
    assert.equal("/gone", batch[1].path)
    batch[1]:reply(200, ("x"):rep(100000))
    task.sleep(0.05)
    local client = task.spawn(shell, "curl -s http://127.0.0.1:" .. server:port())
    server:accept()[1]:reply(200, "well")
    assert.matches("^well", client:join())
  end)

  it("survives what is not HTTP", function()
    serve(function()
      return 200, "well"
    end)
    for _, text in ipairs({ "\\r\\n\\r\\n", "GET\\r\\n\\r\\n", "PUT /x HTTP/1.1\\r\\nContent-Length: 10\\r\\n\\r\\nabc",
      "GET / HTTP/1.1\\r\\n: x\\r\\n\\r\\n", "PUT / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n" }) do
      shell(("exec 3<>/dev/tcp/127.0.0.1/%d; printf '%s' >&3; exec 3>&-"):format(port, text))
    end
    assert.matches("^well", shell("curl -s " .. url))
  end)

  it("closes the connection of a request that nobody answers", function()
    server = assert(httpd.listen({}))
    local client = task.spawn(shell, ("curl -s http://127.0.0.1:%d; echo exit $?"):format(server:port()))
    local path = server:accept()[1].path
    assert.equal("/", path)
    collectgarbage()
    collectgarbage()
    assert.matches("exit 52", client:join()) -- an empty reply
  end)

  it("answers once", function()
    server = assert(httpd.listen({}))
    local client = task.spawn(shell, "curl -s http://127.0.0.1:" .. server:port())
    local request = server:accept()[1]
    assert.is_true(request:reply(200, "first"))
    assert.error_matches(function()
      request:reply(200, "second")
    end, "replied to already")
    assert.matches("^first", client:join())
  end)

  describe("misbehaves on purpose:", function()
    local function misbehave(act, command)
      server = assert(httpd.listen({}))
      local client = task.spawn(shell, (command or "curl -s %s; echo exit $?"):format("http://127.0.0.1:" .. server:port()))
      local request = server:accept()[1]
      assert.is_true(act(request))
      assert.is_false(request:reset()) -- it is no longer there to be answered
      return client, request
    end

    it("a part of a reply", function()
      local client = misbehave(function(r) return r:reply_part(3, 200, "0123456789", { ["X-A"] = "1" }) end)
      assert.equal("012exit 18\n", client:join()) -- curl: a partial file
    end)

    it("a reset", function()
      assert.equal("exit 56\n", misbehave(function(r) return r:reset() end):join()) -- curl: failure in receiving
    end)

    it("no answer, until the client gives up, also when the request has been collected", function()
      local client = misbehave(function(r) return r:hold() end, "curl -s -m 0.7 %s; echo exit $?")
      collectgarbage()
      collectgarbage()
      assert.equal("exit 28\n", client:join()) -- curl: the time is up
    end)

    it("but not twice, nor with nonsense", function()
      local _, request = misbehave(function(r) return r:hold() end, "curl -s -m 0.3 %s")
      assert.is_false(request:reply(200, ""))
      assert.error_matches(function() request:reply_part(-1, 200, "") end, "not negative")
      assert.error_matches(function() request:reply_part(1, 700, "") end, "not a status")
    end)
  end)

  it("has no endless patience with a client that does not finish its request", function()
    server = assert(httpd.listen({ patience = 0.3 }))
    local trickle = ("trap '' PIPE; exec 3<>/dev/tcp/127.0.0.1/%d; printf 'GET / HTTP/1.1\\r\\nX: ' >&3;"
      .. " for i in {1..100}; do sleep 0.05; printf x >&3 2>/dev/null || break; done; echo $i"):format(server:port())
    local count = tonumber(shell(trickle):match("%d+"))
    assert.is_true(count >= 4 and count < 40, count)
  end)

  it("is quiet at the end: what has arrived is handed over, and nothing more", function()
    server = assert(httpd.listen({}))
    local first = server:port()
    local client = task.spawn(shell, ("curl -s http://127.0.0.1:%d/1"):format(first))
    wait_for_clients(first, 1)
    local batch = server:quiesce()
    assert.same({ 1, "/1" }, { #batch, batch[1].path })
    assert.same({}, server:quiesce())
    assert.matches("exit 7", shell(("curl -s http://127.0.0.1:%d/2; echo exit $?"):format(first))) -- nobody listens
    batch[1]:reply(200, "the last")
    server:stop()
    assert.same({}, server:quiesce())
    assert.matches("^the last", client:join())
  end)

  describe("misuse raises:", function()
    local cases = {
      { "an address that is not a loopback", { host = "0.0.0.0" }, "loopback" },
      { "a name for an address", { host = "example.com" }, "loopback" },
      { "a port out of range", { port = 65536 }, "port must be an integer from 0 to 65535" },
      { "patience that is none", { patience = -1 }, "patience must be a number of seconds" },
      { "patience that is no number", { patience = "x" }, "patience must be a number of seconds" },
      { "a port that is no number", { port = "http" }, "port must be an integer" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local ok, message = pcall(httpd.listen, case[2])
        assert.is_false(ok)
        assert.matches(case[3], message, 1, true)
      end)
    end
  end)

  it("says why it cannot listen", function()
    server = assert(httpd.listen({}))
    local second, message = httpd.listen({ port = server:port() })
    assert.is_nil(second)
    assert.equal(("cannot listen on 127.0.0.1 port %d: Address already in use"):format(server:port()), message)
  end)

  it("stops: whoever accepts gets nil, and the port is free again", function()
    server = assert(httpd.listen({}))
    local first = server:port()
    local acceptor = task.spawn(function()
      return server:accept()
    end)
    task.sleep(0.01)
    server:stop()
    assert.is_nil(acceptor:join())
    assert.is_nil(server:accept())
    server = assert(httpd.listen({ port = first }))
  end)

  it("stops with requests that wait and requests that were taken", function()
    server = assert(httpd.listen({}))
    local command = "curl -s -m 5 http://127.0.0.1:%d; echo exit $?"
    local one = task.spawn(shell, command:format(server:port()))
    local taken = server:accept()[1]
    local two = task.spawn(shell, command:format(server:port()))
    wait_for_clients(server:port(), 2)
    server:stop()
    assert.is_false(taken:reply(200, "late"))
    assert.matches("exit 52", one:join())
    assert.matches("exit 52", two:join())
  end)
end)
