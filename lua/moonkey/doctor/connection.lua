-- The way to the API: proxy, trusted authorities, name, TCP, TLS and its certificate, what answers, and its clock.
local probe = require "moonkey.probe"
local sys = require "moonkey.sys"

local DAY = 86400
local EXPIRES_SOON = 14 * DAY
local SKEW_WARNING, SKEW_PROBLEM = 30, 300 -- seconds
local CONNECT_SECONDS, TOTAL_SECONDS = 10, 20

local CLIENT_CERTIFICATE = "give the right one with --cert and --key, or in the profile"

local AFTER = { resolve = 1, connect = 2, tls = 3, request = 4, reply = 5 } -- the steps, in order

local function milliseconds(seconds)
  return ("%.0f ms"):format(seconds * 1000)
end

-- ---- settings

-- Without user name and password.
local function shown_url(url)
  return (url:gsub("^(%a[%w+.-]*://)", ""):gsub("^.*@", "")), url:match("^%a[%w+.-]*://") or "http://"
end

-- The proxy in force, and what says so, in libcurl's order; nil for none.
local function find_proxy(case)
  if case.settings.proxy then return case.settings.proxy, case.args.proxy and "--proxy" or "the profile" end
  for _, name in ipairs{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
    local value = os.getenv(name)
    if value and value ~= "" then return value, name end
  end
end

local function is_loopback(url)
  local host = url:match("^%a+://([^/]*)")
  return host:find("^127%.") or host:find("^localhost") or host:find("^%[::1%]")
end

local function proxy(case)
  local url, by = find_proxy(case)
  if not url then return case:ok("proxy", "none") end
  if is_loopback(case.base_url) then
    return case:ok("proxy", ("%s names one; it is not used for a loopback address"):format(by))
  end
  local place, scheme = shown_url(url)
  local except = os.getenv("no_proxy") or os.getenv("NO_PROXY")
  case.proxy = by
  case:ok("proxy", ("%s%s, by %s%s"):format(scheme, place, by,
    except and except ~= "" and "; none for what NO_PROXY names: " .. except or ""))
end

local function authorities(case)
  if not case.base_url:find("^https:") then return end
  local file = case.settings.ca_file
  if file then return case:ok("authorities", ("those in %s, and no others"):format(file)) end
  local system = case.libraries.ca_file or case.libraries.ca_path
  if system and not sys.file_type(system) then
    return case:problem("authorities", ("the system's are not there: %s"):format(system),
      "install the package ca-certificates, or name a file with --cacert")
  end
  case:ok("authorities", "the system's" .. (system and ", " .. system or ""))
end

-- ---- steps

local function via(case)
  return case.proxy and ("; all goes through the proxy that %s names"):format(case.proxy) or ""
end

local function name_lookup(case, seen, done)
  local host = case.base_url:match("^%a+://([^/]*)"):gsub(":%d+$", "")
  if not case.proxy and not host:find("[^%d.]") or host:find("^%[") then
    return case:skipped("name", "the base URL has an address instead")
  end
  local what = case.proxy and "the proxy's name" or host
  if done then
    local address = seen.address and ("is " .. seen.address) or "was found"
    return case:ok("name", ("%s %s (%s)"):format(what, address, milliseconds(seen.resolved or 0)))
  end
  local why = seen.timed_out and ("%s: no answer from the name servers in time"):format(what) or seen.message
  case:problem("name", why, case.proxy and "check the name of the proxy, which is by " .. case.proxy or
    ("check its spelling and the network: getent hosts %s; where only a proxy leads out, set HTTPS_PROXY"):format(host))
end

local function tcp(case, seen, done)
  if done then
    local where = seen.port and ("to %s port %d"):format(seen.address or "the host", seen.port) or "made"
    local took = seen.connected and (" (%s)"):format(milliseconds(seen.connected)) or ""
    return case:ok("connection", where .. took .. via(case))
  end
  if seen.proxy_status then
    return case:problem("connection", ("the proxy says %d: %s"):format(seen.proxy_status, seen.message),
      seen.proxy_status == 407 and "put the proxy's user name and password into HTTPS_PROXY"
      or "ask who runs the proxy to permit this host")
  end
  local remedy = case.proxy and ("check the proxy that %s names"):format(case.proxy)
    or "check port and firewall; where only a proxy leads out, set HTTPS_PROXY or --proxy"
  case:problem("connection", seen.message or "it could not be made", remedy)
end

-- What to do about a certificate that was refused; certificate_text() of the host says all about it.
local function tls_remedy(case, seen)
  local message = seen.message or ""
  local now = os.date("!%Y-%m-%d %H:%M", sys.wall() // 1 | 0)
  if message:find("client certificate", 1, true) then return CLIENT_CERTIFICATE end
  if message:find("expired", 1, true) or message:find("not yet valid", 1, true) then
    return ("if this machine's clock is right (it says %s UTC), whoever runs the server has to renew it"):format(now)
  elseif message:find("does not match", 1, true) or message:find("no alternative", 1, true) then
    return "the server is another one than the base URL says: correct the host, or look who answers there"
  elseif message:find("self%-signed") or message:find("self signed", 1, true) or message:find("issuer", 1, true) then
    return case.settings.ca_file and "the file of --cacert lacks the authority that has issued it"
      or "where a company's proxy or test system has its own authority, name it with --cacert; otherwise do not go on"
  elseif message:find("version", 1, true) or message:find("wrong version number", 1, true) then
    return "check the port: does it speak TLS 1.2 or later?"
  end
  return "look at it with: openssl s_client -connect " .. (case.base_url:match("^%a+://([^/]*)"))
end

local function certificate(case, seen)
  if not seen.expires then return end
  local left = seen.expires - sys.wall()
  local text = seen.certificate or "the server's"
  if left < EXPIRES_SOON then
    return case:warning("certificate", ("%d days left: %s"):format(left // DAY, text),
      "tell whoever runs the server to renew it")
  end
  case:ok("certificate", ("%d days left: %s"):format(left // DAY, text))
end

local function tls(case, seen, done)
  if not case.base_url:find("^https:") then return case:skipped("TLS", "plain http, to a loopback address") end
  if not done then
    return case:problem("TLS", seen.timed_out and "no handshake in time" or seen.message or "the handshake failed",
      tls_remedy(case, seen))
  end
  local took = seen.secured and seen.connected and seen.secured - seen.connected or 0
  case:ok("TLS", ("%s (%s)"):format(seen.protocol or "agreed", milliseconds(took)))
  certificate(case, seen)
end

-- A request without a credential was answered: by the API?
local function judge_reply(case, seen)
  local status, kind = seen.status, seen.is_json and "" or ", and not with JSON"
  local text = ("%d without a credential%s"):format(status, kind)
  if status >= 500 then
    return case:problem("reply", text .. ": the platform is failing", "wait, and try again; its status page may say more")
  elseif status == 429 then
    return case:warning("reply", text .. ": too many requests", "wait a minute; --rate 20/s keeps moonkey slower")
  elseif status >= 300 and status < 400 then
    return case:problem("reply", ("%d: %s"):format(status, seen.message or "a redirect"),
      "correct the base URL; no redirect is followed")
  elseif status == 404 then
    return case:problem("reply", "404: there is no token API below the base URL",
      "give the base URL without /public/v1 and what follows, such as https://api.platform.softwareone.com")
  elseif status ~= 401 or not seen.is_json then
    return case:warning("reply", text .. ": is that the API, or something before it?",
      "expected is 401 with JSON; look what answers with: curl -i " .. case.base_url .. "/public/v1/accounts/api-tokens")
  end
  case:ok("reply", ("401 without a credential, as it should be (%s)"):format(milliseconds(seen.replied or 0)))
end

local function reply(case, seen, done)
  if done then return judge_reply(case, seen) end
  local message = seen.timed_out and "none in time" or seen.message or "none"
  case:problem("reply", message, message:find("client certificate", 1, true) and CLIENT_CERTIFICATE
    or "try again; where it stays so, a proxy or firewall may cut connections off")
end

local function clock(case, seen)
  if not seen.date then return case:skipped("clock", "the server does not say what time it is") end
  local skew = seen.skew
  local off = math.abs(skew)
  local text = ("this machine's clock is %s %s the server's"):format(
    off < 120 and ("%.0f s"):format(off) or ("%.0f min"):format(off / 60), skew < 0 and "behind" or "ahead of")
  local remedy = "set the clock: `timedatectl` says whether it is kept in step (NTP)"
  if off >= SKEW_PROBLEM then return case:problem("clock", text .. "; certificates and waits are judged wrongly", remedy) end
  if off >= SKEW_WARNING then return case:warning("clock", text, remedy) end
  case:ok("clock", "in step with the server's, within some seconds")
end

local STEPS = { { "name", name_lookup }, { "connection", tcp }, { "TLS", tls }, { "reply", reply } }

local function skip(case, from, reason)
  for i = from, #STEPS do case:skipped(STEPS[i][1], reason) end
  case:skipped("clock", reason)
end

return function(case)
  if case.blocked then return skip(case, 1, case.blocked) end
  proxy(case)
  authorities(case)
  local config = { base_url = case.base_url, timeout = TOTAL_SECONDS, connect_timeout = CONNECT_SECONDS }
  for _, name in ipairs{ "ca_file", "cert_file", "key_file", "proxy", "http2" } do config[name] = case.settings[name] end
  if case.settings.connect_timeout then config.connect_timeout = math.min(case.settings.connect_timeout, CONNECT_SECONDS) end
  local seen, message = probe.connect(config)
  if sys.interrupted() then return skip(case, 1, "interrupted") end
  if not seen then
    case:problem("proxy", message, "correct HTTPS_PROXY or --proxy")
    return skip(case, 1, "the proxy cannot be used")
  end
  local reached = AFTER[seen.step]
  for i, step in ipairs(STEPS) do
    local is_last = i == #STEPS
    local done = is_last and seen.step == "reply" or not is_last and reached > i
    step[2](case, seen, done)
    if not done then
      return skip(case, i + 1, "it did not come to that")
    end
  end
  case.answered = seen.status
  clock(case, seen)
end
