-- The emulator as a program: what it prints, how it answers over a real socket, how it ends, and what it says of bad options.
local httpd = require "moonkey.httpd"
local process = require "moonkey.process"
local sys = require "moonkey.sys"
local temporary = require "temporary"

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

describe("moonkey emulator", function()
  local program = output("readlink /proc/" .. sys.getpid() .. "/exe"):gsub("\n", "")
  local running, data, errors

  before_each(function()
    data, errors = temporary.name(), temporary.name()
    os.remove(data)
  end)

  after_each(function()
    for _, p in ipairs(running or {}) do
      p:stop()
    end
    running = nil
    for _, path in ipairs({ errors, data, data .. "-wal" }) do
      os.remove(path)
    end
  end)

  -- Start it; the process, its base URL and its credential, or the process alone when it ended.
  local function start(options)
    local p = assert(process.spawn({ "sh", "-c", ('exec "%s" emulator %s 2>"%s"'):format(program, options or "", errors) }))
    running = running or {}
    running[#running + 1] = p
    local url = p:read_line(10)
    local token = p:read_line(10)
    return p, url and url:match("^export MPT_API_BASE_URL=(.*)$"), token and token:match("^export MPT_API_TOKEN=(.*)$")
  end

  -- The status and the body, one below the other.
  local function curl(url, credential, arguments)
    return output(("curl -s -w '\\n%%{http_code}' -H 'Authorization: Bearer %s' %s"):format(credential,
      arguments:gsub("URL", url .. "/public/v1/accounts", 1)))
  end

  it("prints two lines that a shell can evaluate, and serves what they name", function()
    local p, url, credential = start("--seed 3")
    assert.matches("^http://127%.0%.0%.1:%d+$", url)
    assert.matches("^idt:TKN%-0000%-0001:" .. ("%w"):rep(64) .. "$", credential)
    assert.matches('"id":"TKN%-0000%-0003".*\n200$', curl(url, credential, "URL/api-tokens/TKN-0000-0003"))
    assert.matches('"name":"New".*\n200$', curl(url, credential,
      [[-X PUT -H 'Content-Type: application/json' -d '{"name":"New"}' URL/api-tokens/TKN-0000-0003]]))
    assert.matches('"total":3.*\n200$', curl(url, credential, "'URL/api-tokens?limit=1'"))
    assert.matches("\n201$", curl(url, credential, [[-H 'Content-Type: application/json' -d '{"name":"x"}' URL/api-tokens]]))
    assert.matches("^\n204$", curl(url, credential, "-X DELETE URL/api-tokens/TKN-0000-0002"))
    assert.matches("\n401$", curl(url, "wrong", "URL/api-tokens"))
    assert.matches("^HTTP/1.1 200 OK.*Content%-Length: %d+\r\n\r\n\n200$", curl(url, credential, "-I URL/modules"))
    assert.matches("Request body too large.*\n413$", output(("head -c 1100000 /dev/zero | curl -s -w '\\n%%{http_code}' -X PUT"
      .. " --data-binary @- %s/public/v1/accounts/api-tokens/TKN-0000-0001"):format(url)))
    assert.equal(0, p:stop())
  end)

  for name, signal in pairs({ ["SIGTERM"] = "TERM", ["kill -9"] = "KILL" }) do
    it("keeps what it has answered through " .. name, function()
      local p, url, credential = start("--seed 3 --data " .. data)
      curl(url, credential, [[-X PUT -H 'Content-Type: application/json' -d '{"name":"Kept"}' URL/api-tokens/TKN-0000-0003]])
      os.execute(("kill -%s %d"):format(signal, p:pid()))
      assert.equal(signal == "TERM" and 0 or 137, p:stop())
      p, url, credential = start("--data " .. data)
      assert.matches('"revision":2,.*"name":"Kept"', curl(url, credential, "URL/api-tokens/TKN-0000-0003"))
      assert.equal(0, p:stop())
      assert.equal("600", ("%o"):format(sys.file_mode(data)))
    end)
  end

  describe("stops with exit code 2 for", function()
    local cases = {
      { "a port out of range", "--port 65536", "a port is a number from 0 to 65535" },
      { "a port that is none", "--port http", "a port is a number from 0 to 65535" },
      { "a seed of nothing", "--seed 0", "from 1 to 1000000" },
      { "a seed that is too large", "--seed 1000001", "from 1 to 1000000" },
      { "a seed that cannot be read", "--seed /nonexistent/seed", "cannot read the seed: /nonexistent/seed: No such file" },
      { "a data file that cannot be made", "--data /nonexistent/x.db", "cannot open /nonexistent/x.db: " },
      { "a data file that is no database", "--data /etc/passwd", "/etc/passwd is not a database of the emulator" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local p, url = start(case[2])
        assert.is_nil(url)
        assert.equal(2, p:stop())
        assert.matches(case[3], read(errors), 1, true)
      end)
    end

    it("a port in use", function()
      local server = assert(httpd.listen({}))
      local p = start("--port " .. server:port())
      assert.equal(2, p:stop())
      assert.matches(("cannot listen on 127.0.0.1 port %d: Address already in use"):format(server:port()), read(errors), 1,
        true)
      server:stop()
    end)

    it("a data file in use", function()
      start("--data " .. data)
      local p, url = start("--data " .. data)
      assert.is_nil(url)
      assert.equal(2, p:stop())
      assert.matches(data .. " is in use by another process", read(errors), 1, true)
    end)
  end)
end)
