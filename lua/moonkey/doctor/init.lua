--[[
The doctor: looks at one thing after the other, and has a verdict on each, with a remedy where that is not "ok".

A check is a function(case): `case` has what is known so far, and takes findings by case:ok(check, message), case:warning(check,
message, remedy), case:problem(check, message, remedy) and case:skipped(check, reason). A check that cannot be made because of
what an earlier one found says so. None of them writes anything.
]]
local connect = require "moonkey.cli.connect"
local settings = require "moonkey.cli.settings"

local M = {}

M.VERDICTS = { "ok", "warning", "problem", "skipped" }

local CHECKS = {
  "moonkey.doctor.program", "moonkey.doctor.configuration", "moonkey.doctor.places", "moonkey.doctor.credential",
  "moonkey.doctor.connection", "moonkey.doctor.identity", "moonkey.doctor.jail",
}

local Case = {}
Case.__index = Case

local function add(case, verdict, check, message, remedy)
  local finding = { check = check, verdict = verdict, message = message, remedy = remedy }
  case.findings[#case.findings + 1] = finding
  case.on_finding(finding)
end

for _, verdict in ipairs(M.VERDICTS) do
  Case[verdict] = function(case, check, message, remedy) add(case, verdict, check, message, remedy) end
end

-- All findings, as { check =, verdict =, message =, remedy = }. `on_finding` is called with each as it comes.
function M.examine(args, on_finding)
  settings.collect(args, nil) -- raises for mistakes in flags: that is usage, and no finding
  local case = setmetatable({ args = args, findings = {}, on_finding = on_finding }, Case)
  case.emulated = connect.uses_emulator(args)
  for _, name in ipairs(CHECKS) do require(name)(case) end
  return case.findings
end

-- How many findings there are of each verdict.
function M.count(findings)
  local counts = {}
  for _, verdict in ipairs(M.VERDICTS) do counts[verdict] = 0 end
  for _, finding in ipairs(findings) do counts[finding.verdict] = counts[finding.verdict] + 1 end
  return counts
end

return M
