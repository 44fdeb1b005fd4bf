-- moonkey token update: change the fields of one token.
local changes = require "moonkey.cli.token.change"
local diff = require "moonkey.batch.plan.diff"
local http = require "moonkey.http"
local json = require "moonkey.json"
local output = require "moonkey.cli.output"
local show = require "moonkey.cli.token.show"
local stop = require "moonkey.cli.stop"
local token = require "moonkey.token"

local M = {
  summary = "change the fields of tokens",
  description = [[
Reads the token, writes what is to be different, and shows it; a token that is right already is not
written, and one that somebody else changes in that moment is left alone (exit 5). With several
ids, the same is done to each of them.

  moonkey token update TKN-1234-5678 --set name='CRM robot' --null description
  moonkey token update TKN-1234-5678 --add-module MOD-9042 --remove-module MOD-1756
  moonkey token update TKN-1234-5678 --module MOD-1756,MOD-9042        these modules, and no others
  echo '{"name": "CRM robot", "modules": []}' | moonkey token update TKN-1234-5678 --from -

Fields are name, description, icon and modules; what is not named stays as it is. --dry-run shows
the change and writes nothing. The token that moonkey uses itself keeps its modules, unless
--allow-self is given.
Exit: 0 done or nothing to do, 1 failed, 3 some of several failed, 4 not authorised, 5 changed by
somebody else in the meantime, or refused by a guard.]],
}

function M.configure(cmd)
  cmd:option("--set", "Give name, description or icon this value."):argname("FIELD=VALUE"):count("*")
  cmd:option("--null", "Clear description or icon; of modules: leave none."):argname("FIELD"):count("*")
  cmd:option("--module", "Its modules afterwards: these, by commas or by repeating it, and no others.")
    :argname("MOD"):count("*")
  cmd:option("--add-module", "Add modules to those that it has."):argname("MOD"):count("*")
  cmd:option("--remove-module", "Take modules away from it."):argname("MOD"):count("*")
  cmd:option("--from", "A JSON object with the fields, from a file or (-) from standard input."):argname("FILE")
  show.configure(cmd, "what changed")
end

-- Modules that come and go, as sets by id.
local function moves(args, change)
  local added = changes.module_ids("--add-module", args.add_module)
  local removed = changes.module_ids("--remove-module", args.remove_module)
  local said = change.said_by.modules
  local flag = #added > 0 and "--add-module" or #removed > 0 and "--remove-module"
  if flag and said then
    stop.usage(("%s and %s exclude each other: %s says all modules that there are to be"):format(said, flag, said))
  end
  for _, id in ipairs(added) do
    for _, other in ipairs(removed) do
      if id == other then stop.usage(("--add-module %s and --remove-module %s exclude each other"):format(id, id)) end
    end
  end
  return flag and { added = added, removed = removed }
end

local function collect(args)
  local change = changes.new("update")
  if args.from then change:from(args.from) end
  for _, text in ipairs(args.set) do change:set(text) end
  for _, field in ipairs(args.null) do change:null(field) end
  change:modules(args.module)
  local moved = moves(args, change)
  if next(change.fields) == nil and not moved then
    stop.usage("nothing to change: give --set, --null, --module, --add-module, --remove-module or --from")
  end
  return change.fields, moved
end

local function moved_modules(tok, moved)
  local list, gone = {}, {}
  for _, id in ipairs(moved.removed) do gone[id] = true end
  for _, id in ipairs(diff.plain("modules", tok.modules)) do
    if not gone[id] then list[#list + 1] = id end
    gone[id] = true
  end
  for _, id in ipairs(moved.added) do
    if not gone[id] then list[#list + 1] = id end
  end
  return json.array(list)
end

-- Change one token: { tok =, changes = a list of moonkey.Change }; or nil, err.
local function update(id, fields, moved)
  local found
  local tok, err = token.edit(id, function(copy)
    local wanted = {}
    for field, value in pairs(fields) do wanted[field] = value end
    if moved then wanted.modules = moved_modules(copy, moved) end
    found = diff.changes(copy, wanted)
    for field, value in pairs(wanted) do copy[field] = value end
  end)
  if not tok then return nil, err end
  return { tok = tok, changes = found }
end

local function line(done)
  local parts = {}
  for i, change in ipairs(done.changes) do parts[i] = diff.describe(change) end
  return ("%s  %s\n"):format(done.tok.id, #parts > 0 and table.concat(parts, ", ") or "nothing to change")
end

local function write(updates)
  if http.dry_run() then return end -- it has been said what would be changed
  for _, done in ipairs(updates) do output.write(line(done)) end
  output.flush()
end

function M.run(args)
  local fields, moved = collect(args)
  return show.run(args, function(id) return update(id, fields, moved) end, write, function(done) return done.tok end)
end

return M
