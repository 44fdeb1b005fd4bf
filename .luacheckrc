-- luacheck: Lua 5.4 with the global that moonkey gives to scripts.
std = "lua54"
max_line_length = 128
read_globals = { "token" }
exclude_files = { "build*", "lua/types", ".git" }
-- Tables of cases are easier to read with a case a line; <close> variables are used by being closed.
files["tests/**/*.lua"] = { std = "+busted", max_line_length = 160, ignore = { "211/_.*" } }
-- What runs inside of Redis: prelude.lua stands before each script there, and what it defines is for them.
files["lua/moonkey/queue/scripts/*.lua"] = { std = "lua51", read_globals = { "redis", "cjson", "KEYS", "ARGV", "key", "GROUP",
  "state_of_run", "refusal", "holder_of", "intents_of", "remove", "all_held", "report", "now_ms", "pause_ms", "MANY",
  "LONGEST_PAUSE", "forget_worker", "facts_of", "text_of" } }
files["lua/moonkey/queue/scripts/prelude.lua"] = { ignore = { "211", "431" } }
