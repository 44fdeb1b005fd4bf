-- luacheck: Lua 5.4 with the global that moonkey gives to scripts.
std = "lua54"
max_line_length = 128
read_globals = { "token" }
exclude_files = { "build*", "lua/types", ".git" }
files["tests/**/*_spec.lua"] = { std = "+busted" }
