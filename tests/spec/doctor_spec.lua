-- doctor's checks of what a test cannot make so for real: full disks, files of others, a system without authorities.
local child = require "child"
local probe = require "moonkey.probe"
local sys = require "moonkey.sys"

local MIB = 1024 * 1024

-- The findings of a check, as "verdict check: message -> remedy", with these functions of moonkey.probe replaced.
local function findings_of(check, case, doubles)
  local found = {}
  for _, verdict in ipairs{ "ok", "warning", "problem", "skipped" } do
    case[verdict] = function(_, what, message, remedy)
      found[#found + 1] = ("%s %s: %s%s"):format(verdict, what, message, remedy and " -> " .. remedy or "")
    end
  end
  local kept = {}
  for name, double in pairs(doubles) do kept[name], probe[name] = probe[name], double end
  local ok, err = pcall(require("moonkey.doctor." .. check), case)
  for name, real in pairs(kept) do probe[name] = real end
  assert(ok, err)
  return table.concat(found, "\n")
end

describe("the doctor", function()
  local function with_room(writable, free)
    return findings_of("places", {}, { place = function() return writable, free end })
  end

  it("looks at the room for journals", function()
    assert.matches("ok state: .*: 5000 MiB free", with_room(true, 5000 * MIB))
    assert.matches("warning state: .*: 255 MiB free, which a long run may fill %-> make room", with_room(true, 256 * MIB - 1))
    assert.matches("problem state: .*: 15 MiB free, too little for a run %-> make room", with_room(true, 16 * MIB - 1))
    assert.matches("problem state: .*nothing can be written there, so no run can begin %-> chmod u%+wx .*XDG_STATE_HOME", with_room(false, 5000 * MIB))
    assert.matches("warning state: stale handle %-> look at that file system", with_room(nil, "stale handle"))
  end)

  it("looks whose the configuration is", function()
    local path = child.write(child.directory(finally) .. "/config.lua", "return {}")
    os.execute("chmod 600 " .. path)
    local function owned(ours) return findings_of("places", { path = path }, { is_ours = function() return ours end }) end
    assert.matches("ok file modes: .*only you can change it", owned(true))
    assert.matches("warning file modes: .*belongs to somebody else, who can change it %-> chown", owned(false))
  end)

  it("looks for the system's authorities", function()
    local function trusting(file)
      local case = { base_url = "https://api.test", settings = {}, args = {}, libraries = { ca_file = file } }
      return findings_of("connection", case, { connect = function() return { step = "resolve", message = "no network" } end })
    end
    assert.matches("problem authorities: the system's are not there: /nosuch%.pem %-> install the package ca%-certificates", trusting "/nosuch.pem")
    assert.matches("ok authorities: the system's, /etc/passwd", trusting "/etc/passwd")
  end)

  it("asks a real place for what it is", function()
    local writable, free = probe.place("/tmp")
    assert.is_true(writable and free > 0)
    local nothing, message = probe.place("/nosuch")
    assert.is_nil(nothing)
    assert.matches("/nosuch: No such file", message)
    assert.is_true(probe.is_ours("/tmp"))
    assert.matches("^Lua 5%.4", probe.libraries().lua)
    assert.equal("directory", (sys.file_type("/tmp")))
  end)
end)
