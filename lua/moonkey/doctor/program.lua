-- The program and its libraries.
local probe = require "moonkey.probe"
local sys = require "moonkey.sys"

return function(case)
  case.libraries = probe.libraries()
  local l = case.libraries
  case:ok("program", ("moonkey %s with %s, libcurl %s, %s, SQLite %s, libmicrohttpd %s")
    :format(sys.version(), l.lua, l.libcurl, l.tls, l.sqlite, l.libmicrohttpd))
end
