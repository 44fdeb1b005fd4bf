-- Run busted inside the host: `moonkey --emulator run tests/spec/run.lua [FILE…] [busted's options]`; all *_spec.lua here without FILE.
-- The specs find helper modules beside this file.
require("moonkey.project.busted").run(arg, arg[0]:match("^(.*)/") or ".")
