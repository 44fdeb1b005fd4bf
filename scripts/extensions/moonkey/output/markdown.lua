--[[
An output: Markdown, for a ticket, a pull request or a wiki.

  moonkey report last -o markdown       what a run did, and what went wrong
  moonkey token list -o markdown        a table of tokens

To use it, copy this file to lua/moonkey/output/ of a project, or to ~/.config/moonkey/lua/moonkey/output/. An output returns

  { summary =, report = function(facts, write, results), list = function(write, columns) → add, finish }

or one of the two. `facts` is what `moonkey report -o json` prints; results() iterates over the results of all rows.
]]
local function cell(value)
  return (tostring(value or ""):gsub("[\\|`*_<]", "\\%0"):gsub("%s+", " "))
end

local function line(cells)
  return "| " .. table.concat(cells, " | ") .. " |\n"
end

local function heading(names)
  return line(names) .. ("| --- "):rep(#names) .. "|\n"
end

local function report(facts, write, results)
  local totals = facts.totals
  write("## Run ", facts.run.id, "\n\n", cell(facts.said.sentence), "\n\n")
  write(heading{ "done", "failed", "unknown", "skipped" },
    line{ totals.done, totals.failed, totals.unknown, totals.skipped })
  local any = false
  for r in results() do
    if r.outcome == "failed" or r.outcome == "unknown" then
      if not any then write("\n", heading{ "line", "id", "what went wrong" }) end
      any = true
      local reason = (r.status and r.status .. " " or "") .. (r.title or r.kind) .. (r.detail and ": " .. r.detail or "")
      write(line{ cell(r.line or r.row), cell(r.id), cell(reason) })
    end
  end
end

local function list(write, columns)
  local any = false
  return function(_, cells)
    if not any then write(heading(columns)) end
    any = true
    for i, text in ipairs(cells) do cells[i] = cell(text) end
    write(line(cells))
  end
end

return { summary = "Markdown, for tickets and wikis", report = report, list = list }
