-- luacheck: Lua 5.4 with the global that moonkey gives to scripts.
std = "lua54"
max_line_length = 128
read_globals = { "token" }
exclude_files = { "build*", "lua/types", ".git" }
-- Tables of cases are easier to read with a case a line; <close> variables are used by being closed.
files["tests/**/*.lua"] = { std = "+busted", max_line_length = 160, ignore = { "211/_.*" } }
