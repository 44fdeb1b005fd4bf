-- The flags that every command takes, before or after its name: one table for parsing, help, and finding the command's name.
local M = {}

-- { flags, argument name or nil, help, how often it may be given (once) }. --emulator=FILE is the one flag with an optional
-- value: see cli/init.lua.
M.options = {
  { "-p --profile", "NAME", "Use this profile of your configuration (default: MOONKEY_PROFILE). One given here comes before "
    .. "the environment: its base URL and credential, not MPT_API_*." },
  { "--base-url", "URL", "Where the API is (default: MPT_API_BASE_URL, or https://api.platform.softwareone.com)." },
  { "--emulator", nil, "Run against an emulator that lives as long as the command; --emulator=FILE keeps its tokens in FILE." },
  { "--fault", "SPEC", "With --emulator: let it fail on purpose, such as 503:0.1; moonkey emulator --help explains.",
    "*" },
  { "--fault-seed", "N", "With --fault: which requests are struck (default: 1)." },
  { "-j --jobs", "N", "Requests at a time (default: 10 for batch and worker, 64 for run)." },
  { "--rate", "N/s", "Start at most so many requests a second (50/s) or minute (100/m)." },
  { "--dry-run", nil, "Send no write: updates read the token, tell what would change, and return what it would be." },
  { "--read-only", nil, "Refuse every write." },
  { "-y --yes", nil, "Agree to the first write, where the profile demands that." },
  { "--allow-self", nil, "Permit what could lock out the token that the credential belongs to: deleting it, disabling it,"
    .. " changing its modules." },
  { "--max-changes", "N", "Send at most N writes, then stop (exit 5); a plan with more is not begun." },
  { "--restricted", nil, "Run the script or job with nothing but what is permitted: no requests, files, programs, environment,"
    .. " secrets, C modules." },
  { "--allow-api", "RULE", "With --restricted: permit requests, such as 'PUT /accounts/api-tokens/*' or 'GET,PUT …'.",
    "*" },
  { "--allow-read", "DIR", "With --restricted: permit reading files below DIR.", "*" },
  { "--allow-write", "DIR", "With --restricted: permit writing files below DIR.", "*" },
  { "--allow-env", "NAME", "With --restricted: permit reading this environment variable.", "*" },
  { "--allow-secret", nil, "With --restricted: permit secret.reveal, which shows the secrets of tokens." },
  { "--max-memory", "SIZE", "Stop a script or job that needs more memory (exit 5): 64M, 1G (default: none; 256M with"
    .. " --restricted)." },
  { "--max-cpu", "T", "Stop a job that needs more processor time for a row, or a script in all (exit 5): 500ms, 2s (default:"
    .. " none; 60s with --restricted)." },
  { "--max-cpu-total", "T", "Stop a run whose script or job needs more processor time in all (exit 5)." },
  { "--no-strict", nil, "Let a script or job read globals that nobody has set, which are nil then, without an error." },
  { "--retry", "N", "How often a request is tried again when that may help (default: 3; 0 for never)." },
  { "--max-time", "T", "Time limit of a call with its retries, and of all calls of a row: 500ms, 20s, 5m (default: none)." },
  { "--connect-timeout", "T", "Time limit for connecting (default: 10s)." },
  { "--cacert", "FILE", "Trust the certificate authorities in FILE (PEM) instead of the system's." },
  { "--cert", "FILE", "Client certificate (PEM)." },
  { "--key", "FILE", "Key of the client certificate (PEM)." },
  { "-x --proxy", "URL", "Use this proxy (default: HTTPS_PROXY, which may have a password, with NO_PROXY)." },
  { "--http2", nil, "Speak HTTP/2 over TLS where the server offers it (default: HTTP/1.1)." },
  { "--log-level", "LEVEL", "debug, info, warn, error or off (default: info)." },
  { "--log-format", "FORMAT", "text or json (default: text)." },
  { "--color", "WHEN", "auto, always or never (default: auto; NO_COLOR is honoured)." },
}

-- The words that some of them take.
M.VALUES = {
  ["--color"] = { "auto", "always", "never" },
  ["--log-format"] = { "text", "json" },
  ["--log-level"] = { "debug", "info", "warn", "error", "off" },
}

-- Add them to an argparse parser.
function M.configure(parser)
  for _, option in ipairs(M.options) do
    local flags, argument, help, count = table.unpack(option, 1, 4)
    if argument then
      parser:option(flags, help):argname(argument):count(count or "0-1")
    else
      parser:flag(flags, help)
    end
  end
  parser:option("--emulator-data"):hidden(true)
end

-- flag → does a value follow it?
function M.arity()
  local arity = { ["--emulator-data"] = true }
  for _, option in ipairs(M.options) do
    for flag in option[1]:gmatch("%S+") do
      arity[flag] = option[2] ~= nil
    end
  end
  return arity
end

return M
