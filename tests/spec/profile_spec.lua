-- Profiles: what may stand in the configuration file, how mistakes in it are answered, and what beats what.
local child = require "child"
local json = require "moonkey.json"
local profiles = require "moonkey.profile"

-- The host's own have taken theirs and cannot be had again; these get this one.
local control = { seal = function() end, environment_has_credential = function() return false end }

local function load_with_control(name)
  package.loaded[name] = nil
  return require(name)
end

package.loaded["moonkey.control"] = control
local announce = load_with_control "moonkey.announce"
load_with_control "moonkey.cli.credential"
local connect = load_with_control "moonkey.cli.connect"

local SECRET = "NobodyShallSeeThisSecretOfAProfile"

local function config_of(text)
  local dir = child.directory(finally)
  return child.write(dir .. "/moonkey/config.lua", text), dir
end

local function read(text)
  return profiles.read((config_of(text)))
end

describe("a configuration file", function()
  it("holds profiles, and may name the default one", function()
    local found, default = read [[
      local slow = "5/s"
      return { default = "test", test = { rate = slow }, production = { jobs = 2, read_only = false, max_time = 1.5 } }]]
    assert.equal("test", default)
    assert.same({ "5/s", "test" }, { found.test.rate, found.test.name })
    assert.same({ 2, false, 1.5 }, { found.production.jobs, found.production.read_only, found.production.max_time })
    assert.matches("/moonkey/config%.lua: profile 'test'$", found.test.where)
    assert.same({ {} }, { read "return {}" })
  end)

  it("takes every field", function()
    local fields = { base_url = "https://x.test", credential_command = "pass x", jobs = 3, rate = "9/m", retry = 0, max_time = "5m",
      connect_timeout = 2, cacert = "/a", cert = "/b", key = "/c", proxy = "http://p:1", read_only = true, http2 = true, consent = "yes" }
    local words = {}
    for name, value in pairs(fields) do words[#words + 1] = ("%s = %q"):format(name, value) end
    local got = read("return { p = {" .. table.concat(words, ", ") .. "} }").p
    got.where, got.name = nil, nil
    assert.same(fields, got)
  end)

  it("expands ~/ in names of files, and finds other relative ones beside it", function()
    local path, dir = config_of 'return { p = { credential_file = "~/c", cacert = "ca/x.pem", cert = "/abs", key = "~user/k" } }'
    local p = profiles.read(path).p
    assert.same({ os.getenv("HOME") .. "/c", dir .. "/moonkey/ca/x.pem", "/abs", dir .. "/moonkey/~user/k" },
      { p.credential_file, p.cacert, p.cert, p.key })
  end)

  local mistakes = {
    { "return { p = { jbos = 3 } }", "profile 'p': jbos: there is no such field; did you mean 'jobs'?" },
    { "return { p = { frobnicate = 3 } }", "frobnicate: there is no such field; there are allow_api, .*base_url, cacert, .*retry" },
    { "return { p = { 'x' } }", "profile 'p': 1: a profile has named fields only" },
    { "return { p = { jobs = '3' } }", "profile 'p': jobs: expected a whole number, got other text" },
    { "return { p = { jobs = 1.5 } }", "jobs: expected a whole number, got a number" },
    { "return { p = { base_url = true } }", "base_url: expected a URL, got a boolean" },
    { "return { p = { base_url = '' } }", "base_url: expected a URL" },
    { "return { p = { rate = 5 } }", "rate: expected text such as" },
    { "return { p = { max_time = {} } }", "max_time: expected seconds, or text such as .*got a table" },
    { "return { p = { read_only = 'no' } }", "read_only: expected true or false" },
    { "return { p = { http2 = 1 } }", "http2: expected true or false" },
    { "return { p = { consent = true } }", 'consent: expected "yes" or "account", got a boolean' },
    { "return { p = { consent = 'no' } }", 'consent: expected "yes" or "account", got other text' },
    { "return { p = { credential_file = 1 } }", "credential_file: expected the name of a file, got a number" },
    { "return { p = { credential_file = 'a', credential_command = 'b' } }", "credential_file and credential_command exclude each other" },
    { "return { p = { jobs = function() end } }", "jobs: expected a whole number, got a function" },
    { "return { good = { jobs = 1 }, other = { jbos = 1 } }", "profile 'other': jbos" },
    { "return { p = 3 }", "p: expected NAME = { … }, a profile" },
    { "return { { jobs = 1 } }", "1: expected NAME = { … }, a profile" },
    { "return { profiles = { p = { jobs = 1 } } }", "profile 'profiles': p: a profile within a profile; they stand at the top" },
    { "return { p = { jbos = { x = 1 } } }", "profile 'p': jbos: there is no such field; did you mean 'jobs'?" },
    { "return { default = 'q', p = {} }", "default: expected the name of one of the profiles: p" },
    { "return { default = { jobs = 1 } }", "default: expected the name of one of the profiles" },
    { "return 'x'", "expected `return { NAME = { … } }`, a table of profiles; it returns a string" },
    { "", "it returns a nil" },
    { "return {", "config%.lua:1: unexpected symbol near <eof>" },
    { "\nreturn { p = os.getenv('HOME') }", "config%.lua:2: attempt to index a nil value %(global 'os'%); the file is data" },
    { "while true do end", "config%.lua: it does not come to an end" },
    { "return { p = require 'x' }", "nil value %(global 'require'%); the file is data" },
    { "\27Lua", "attempt to load a binary chunk" },
    -- secrets
    { "return { p = { token = '%s' } }", "profile 'p': token: a configuration file holds no secrets; .*credential_file.*credential_command" },
    { "return { p = { Password = '%s' } }", "Password: a configuration file holds no secrets" },
    { "return { p = { credential = '%s' } }", "credential: a configuration file holds no secrets" },
    { "return { p = { api_token = '%s' } }", "api_token: a configuration file holds no secrets" },
    { "return { p = { credential_command = 'echo idt:TKN-0000-0001:%s' } }", "credential_command: a configuration file holds no secrets" },
    { "return { p = { base_url = 'idt:TKN-0000-0001:%s' } }", "base_url: a configuration file holds no secrets" },
    { "return { p = { whatever = 'idt:TKN-0000-0001:%s' } }", "whatever: a configuration file holds no secrets" },
    { "return { token = '%s' }", "token: expected NAME = { … }, a profile; a configuration file holds no secrets" },
    { "return { p = { consent = '%s' } }", 'consent: expected "yes" or "account", got other text' },
    { "return { p = { jobs = '%s' } }", "jobs: expected a whole number" },
    { "return { p = { proxy = 'http://user:%s@proxy.test:1' } }", "proxy: expected a URL without a password; .*HTTPS_PROXY" },
    { "return { p = { credential_file 'x' '%s' } }", "config%.lua:1: " },
    { "return { p = { credential_file = 'x' '%s' } }", "config%.lua:1: '}' expected near some text" },
    { "return { p = { credential_file = 'x' [[%s]] } }", "expected near some text" },
    { "return { p = { credential_file = 7%s } }", "config%.lua:1: malformed number near some text" },
    { "return { p = { jobs = 1 & '%s' } }", "config%.lua:1: attempt to perform bitwise operation on a string value; the file is data" },
  }
  for _, case in ipairs(mistakes) do
    it(("answers `%s`"):format(case[1]:gsub("[\27\n]", "?")), function()
      local found, message = read((case[1]:gsub("%%s", SECRET)))
      assert.is_nil(found)
      assert.matches(case[2], message)
      assert.is_nil(message:find(SECRET, 1, true), message)
    end)
  end

  it("is refused when everybody can change it", function()
    local path = config_of "return {}"
    os.execute("chmod 666 " .. path)
    local found, message = profiles.read(path)
    assert.is_nil(found)
    assert.matches("can be changed by everyone; run: chmod o%-w /", message)
  end)
end)

describe("a run", function()
  local CONFIG = [[return { default = "plain",
    plain = { base_url = "https://plain.test", credential_file = "/plain" },
    other = { base_url = "https://other.test", credential_command = "other", jobs = 3, rate = "120/m", retry = 0, max_time = "2m",
      connect_timeout = 4, proxy = "http://p.test:1", http2 = true, consent = "account" },
    url = { base_url = "https://url.test" },
    credential = { credential_file = "/c" },
    safe = { read_only = true },
    bad_rate = { rate = "fast" }, bad_jobs = { jobs = 0 }, bad_url = { base_url = "http://plain.test" }, bad_file = { cacert = "/nosuch" },
  }]]
  local DEFAULT = "https://api.platform.softwareone.com"
  local ENVIRONMENT = "MPT_API_BASE_URL=https://env.test MPT_API_TOKEN_FILE=/env"

  -- What control.configure is given in this environment, or the message instead of it.
  local function settings_of(args, env)
    local _, dir = config_of(CONFIG)
    local kept
    local variables = { XDG_CONFIG_HOME = dir }
    for name, value in (env or ""):gmatch("([%u_]+)=(%S*)") do variables[name] = value end
    stub(os, "getenv", function(name) return variables[name] end)
    control.configure = function(settings) kept = settings return true end
    stub(announce, "configure")
    local ok, err = pcall(connect.configure, args, 7)
    for _, double in ipairs{ os.getenv, announce.configure } do double:revert() end
    return ok and kept or tostring(err)
  end

  -- { arguments, environment, base URL, where the credential is }
  local places = {
    { {}, "", "https://plain.test", "/plain" },
    { {}, "MOONKEY_PROFILE=other", "https://other.test", "other" },
    { { profile = "plain" }, "MOONKEY_PROFILE=other", "https://plain.test", "/plain" },
    { {}, "MOONKEY_PROFILE=credential", DEFAULT, "/c" },
    -- the environment comes before a profile that was not asked for, and after one that was
    { {}, ENVIRONMENT, "https://env.test", "/env" },
    { {}, "MOONKEY_PROFILE=other " .. ENVIRONMENT, "https://env.test", "/env" },
    { { profile = "other" }, ENVIRONMENT, "https://other.test", "other" },
    { {}, "MPT_API_TOKEN_FILE=/env", "https://plain.test", "/env" },
    { { profile = "url" }, "MPT_API_TOKEN_FILE=/env", "https://url.test", "/env" },
    { { profile = "safe" }, ENVIRONMENT, "https://env.test", "/env" },
    { { profile = "credential" }, ENVIRONMENT, DEFAULT, "/c" },
    -- a profile's credential does not go elsewhere, unless both were asked for
    { {}, "MPT_API_BASE_URL=https://env.test", "no credential for https://env.test.*of profile 'plain' is for https://plain%.test only" },
    { {}, "MPT_API_BASE_URL=https://plain.test", "https://plain.test", "/plain" },
    { { base_url = "https://flag.test" }, "", "no credential for https://flag.test.*profile 'plain' is for https://plain.test only" },
    { { base_url = "https://flag.test", profile = "plain" }, "", "https://flag.test", "/plain" },
    { { base_url = "https://flag.test" }, ENVIRONMENT, "https://flag.test", "/env" },
    { { profile = "url" }, "", "no credential for https://url.test" },
    -- mistakes
    { { profile = "othr" }, "", "there is no profile 'othr' in /.*/config%.lua; it has bad_file, .*, url %- did you mean 'other'%?" },
    { {}, "MOONKEY_PROFILE=zzzzzzzz", "there is no profile 'zzzzzzzz' in /.*; it has bad_file, .*url$" },
    { { profile = "bad_rate" }, ENVIRONMENT, "profile 'bad_rate': rate fast: expected a rate such as 50/s" },
    { { profile = "bad_jobs" }, ENVIRONMENT, "profile 'bad_jobs': jobs 0: expected a whole number from 1 to 1000" },
    { { profile = "bad_file" }, ENVIRONMENT, "profile 'bad_file': cacert: cannot read /nosuch" },
    { { profile = "bad_url" }, "MPT_API_TOKEN_FILE=/env", "http://plain.test" },
    { { profile = "plain", emulator = true }, "", "%-%-emulator and %-%-profile exclude each other" },
  }
  for _, case in ipairs(places) do
    local args, env, url, credential = table.unpack(case)
    it(("with %s and `%s` goes to %s"):format(json.encode(args), env, url), function()
      local got = settings_of(args, env)
      if credential then
        assert.same({ url, credential }, { got.base_url, got.credential_file or got.credential_command })
      else
        assert.matches(url, got)
      end
    end)
  end

  it("takes its limits from the profile where no flag is given", function()
    local got = settings_of({ profile = "other" })
    assert.same({ 3, 2, 1, 120, 4, "http://p.test:1", true, true },
      { got.jobs, got.rate, got.attempts, got.max_time, got.connect_timeout, got.proxy, got.http2, got.needs_consent })
    got = settings_of{ profile = "other", jobs = "5", rate = "1/s", retry = "2", max_time = "1s", connect_timeout = "2s",
      proxy = "http://q.test:1" }
    assert.same({ 5, 1, 3, 1, 2, "http://q.test:1" },
      { got.jobs, got.rate, got.attempts, got.max_time, got.connect_timeout, got.proxy })
    got = settings_of({})
    assert.same({ 7, false }, { got.jobs, got.needs_consent })
    assert.is_nil(got.read_only)
  end)

  it("is read-only when the profile or a flag says so", function()
    assert.is_true(settings_of({ profile = "safe" }, ENVIRONMENT).read_only)
    assert.is_true(settings_of({ read_only = true }).read_only)
  end)

  it("finds the file in the home directory, and needs none", function()
    local dir = child.directory(finally)
    local get = { "run", "-e", "print(require('moonkey.http').origin())" }
    local env = "MPT_API_BASE_URL= MPT_API_TOKEN= MPT_API_TOKEN_FILE=cred XDG_CONFIG_HOME=%s HOME=" .. dir
    child.write(dir .. "/cred", "idt:TKN-0000-0001:" .. SECRET)
    os.execute("chmod 600 " .. dir .. "/cred")
    local _, out, err = child.run(get, { dir = dir, env = env:format("") })
    assert.same({ "api.platform.softwareone.com", "" }, { out:match("^%S+"), err })
    _, out, err = child.run({ "-p", "x", "run", "-e", "" }, { dir = dir, env = env:format("relative") })
    assert.same({ "", "moonkey: there is no profile 'x': there is no file " .. dir .. "/.config/moonkey/config.lua\n" }, { out, err })
    child.write(dir .. "/.config/moonkey/config.lua", 'return { default = "a", a = { base_url = "https://home.test" } }')
    for _, xdg in ipairs{ "", "relative" } do -- which the XDG specification says to ignore
      _, out = child.run(get, { dir = dir, env = env:format(xdg) })
      assert.equal("home.test", out:match("^%S+"))
    end
    child.write(dir .. "/xdg/moonkey/config.lua", 'return { default = "a", a = { base_url = "https://xdg.test" } }')
    _, out = child.run(get, { dir = dir, env = env:format(dir .. "/xdg") })
    assert.equal("xdg.test", out:match("^%S+"))
  end)

  it("on the emulator reads no configuration", function()
    local _, dir = config_of "return {"
    local code, out, err = child.run({ "--emulator", "run", "-e", "print(token.update('TKN-0000-0002', { name = 'x' }).name)" },
      { env = "MOONKEY_PROFILE=x XDG_CONFIG_HOME=" .. dir })
    assert.same({ 0, "x\n", "" }, { code, out, err })
  end)
end)
