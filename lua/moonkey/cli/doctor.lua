-- moonkey doctor: what could keep moonkey from working here, and what to do about it.
local color = require "moonkey.cli.color"
local doctor = require "moonkey.doctor"
local harmless = require "moonkey.harmless"
local json = require "moonkey.json"
local redact = require("moonkey.secret").redact
local sys = require "moonkey.sys"

local M = {
  summary = "look for what keeps moonkey from working, and say what to do",
  description = [[
Looks at the configuration, modes of files, the state directory, the credential, the proxy, name
lookup, the connection, TLS and its certificate, the clocks, and what the platform says of the
credential. Each has a verdict (ok, warning, problem, or skipped and why) and a remedy. It reads, and
writes nothing; without a network it still tells of all the rest.

  moonkey doctor                       the configuration as every other command would use it
  moonkey -p production doctor         the same with that profile
  moonkey doctor -o json | jq '.findings[] | select(.verdict == "problem")'

Exit: 0 no problem (there may be warnings), 1 a problem, 2 usage.]],
}

function M.configure(cmd)
  cmd:option("-o --output", "How it is written (default: table)."):choices{ "table", "json" }
end

local SHOWN = { ok = { "ok", 32 }, warning = { "warning", 33 }, problem = { "PROBLEM", 31 }, skipped = { "skipped", 2 } }

local function line(finding, coloured)
  local word, code = table.unpack(SHOWN[finding.verdict])
  local verdict = ("%-8s"):format(word)
  if coloured then verdict = ("\27[%dm%s\27[0m"):format(code, verdict) end
  local message = finding.message:gsub("%s*\n%s*", " ")
  print(("%s  %s"):format(verdict, harmless(redact(("%-13s  %s"):format(finding.check, message)))))
  if finding.remedy then print((" "):rep(25) .. "-> " .. harmless(redact(finding.remedy))) end
end

local ORDER = { "verdict", "problem", "warning", "ok", "skipped", "findings", "check", "message", "remedy" }

local function as_json(findings, counts)
  return redact(json.encode({ verdict = counts.problem > 0 and "problem" or counts.warning > 0 and "warning" or "ok",
    counts = counts, findings = json.array(findings) }, { order = ORDER }))
end

local function plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

function M.run(args)
  local as_table = args.output ~= "json"
  local coloured = color.wanted(args.color, 1)
  local findings = doctor.examine(args, function(finding)
    if as_table then line(finding, coloured) end
    io.stdout:flush()
  end)
  local counts = doctor.count(findings)
  if as_table then
    print(("\n%s, %s"):format(plural(counts.problem, "problem"), plural(counts.warning, "warning")))
  else
    print(as_json(findings, counts))
  end
  if sys.interrupted() then return 128 + sys.interrupted() end
  return counts.problem > 0 and 1 or 0
end

return M
