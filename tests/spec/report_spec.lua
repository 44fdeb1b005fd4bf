-- The report of a run: what it counts, how it says it, and that no text of others becomes more than text.
local child = require "child"
local facts = require "moonkey.batch.report.facts"
local fixture = require "journal_fixture"
local json = require "moonkey.json"
local json_form = require "moonkey.batch.report.json"
local junit = require "moonkey.batch.report.junit"
local page = require "moonkey.batch.report.page"
local reader = require "moonkey.batch.journal.reader"
local sqlite = require "moonkey.sqlite"
local text = require "moonkey.batch.report.text"
local writer = require "moonkey.batch.journal.writer"

local function journal_of(options)
  local path = fixture.write(child.directory(finally) .. "/run.journal", options)
  local journal = assert(reader.open(path))
  finally(function() journal:close() end)
  return journal, path
end

local function gather(options)
  local journal = journal_of(options)
  return facts.gather(journal), journal
end

local function junit_text(journal, gathered)
  local parts = {}
  junit.write(journal, gathered, function(part) parts[#parts + 1] = part end)
  return table.concat(parts)
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local all = file:read("a")
  file:close()
  return all
end

describe("the facts of a run", function()
  it("are those of its journal", function()
    local _, counts = fixture.write(child.directory(finally) .. "/x.journal", fixture.EVENTFUL)
    local f, journal = gather(fixture.EVENTFUL)
    for _, outcome in ipairs{ "done", "failed", "unknown", "skipped" } do
      assert.is_true(counts[outcome] > 0)
      assert.equal(counts[outcome], f.totals[outcome], outcome)
    end
    assert.equal(50, f.totals.not_done)
    local requests, changed, in_time, in_causes, durations = 0, 0, 0, 0, {}
    for r in journal:results() do
      requests = requests + r.attempts
      if r.attempts > 0 then durations[#durations + 1] = r.ms end
      if r.outcome == "done" and r.changes then changed = changed + 1 end
    end
    for _, segment in ipairs(f.timeline.segments) do
      for _, bin in ipairs(segment.bins) do in_time = in_time + bin.done + bin.skipped + bin.failed + bin.unknown end
    end
    for _, cause in ipairs(f.failures) do in_causes = in_causes + cause.count end
    table.sort(durations)
    assert.equal(requests, f.requests)
    assert.equal(changed, f.changes.count)
    assert.equal(3950, in_time)
    assert.equal(f.totals.failed, in_causes)
    assert.equal(#durations, f.latency.rows)
    for name, share in pairs{ p50 = 0.5, p90 = 0.9, p99 = 0.99 } do
      assert.equal(durations[math.ceil(share * #durations)], f.latency[name], name)
    end
  end)

  it("tell changes by field and by module, and the first rows in full", function()
    local f = gather{ rows = 900, changes = true }
    assert.same({ count = 900, fields = { { field = "name", count = 900 }, { field = "modules", count = 300 },
      { field = "description", count = 120 } }, modules = { { id = "MOD-9042", added = 300, removed = 0 } },
      other_modules = 0 }, { count = f.changes.count, fields = f.changes.fields, modules = f.changes.modules,
      other_modules = f.changes.other_modules })
    assert.equal(200, #f.changes.rows)
    assert.same({ field = "name", from = "Robot 1", to = "CRM robot 1" }, f.changes.rows[1].changes[1])
  end)

  it("take memory that does not grow with rows", function()
    local function used(rows)
      local row = 0
      local journal = { meta = { id = "x", created = 0, options = {} }, sessions = function() return {} end,
        running = function() return false end }
      function journal.results()
        return function()
          row = row + 1
          if row > rows then return nil end
          return { row = row, id = "TKN-" .. row, outcome = row % 2 == 0 and "failed" or "done", kind = "api",
            title = "wrong " .. row, attempts = 1, at = row * 40, ms = row % 5000, changes = { { field = "name", from = "a",
            to = "b" .. row } } }
        end
      end
      collectgarbage()
      local before, f = collectgarbage("count"), facts.gather(journal)
      collectgarbage()
      assert.equal(rows // 2, f.totals.failed)
      return collectgarbage("count") - before
    end
    local few = used(20000)
    local many = used(200000)
    assert.is_true(many < few + 1000, ( -- 8 bytes a row would be 1,400
      "%.0f kB for 20,000 rows, %.0f kB for 200,000"):format(few, many))
  end)
end)

describe("durations", function()
  local latencies = require "moonkey.batch.report.latency"

  local function finish(values)
    local l = latencies.new()
    for _, ms in ipairs(values) do l:add(ms) end
    return l:finish()
  end

  it("have percentiles to 1 ms below a second, to 0.5% above", function()
    local state, values = 1, {}
    for i = 1, 20000 do
      state = (state * 48271) % 2147483647
      values[i] = math.floor(10 ^ (state / 2147483647 * 6))
    end
    local l = finish(values)
    table.sort(values)
    for name, share in pairs{ p50 = 0.5, p90 = 0.9, p99 = 0.99 } do
      local exact = values[math.ceil(share * #values)]
      local error_allowed = exact < 1000 and 0 or exact * 0.005
      assert.is_true(math.abs(l[name] - exact) <= error_allowed, ("%s: %d, not %d"):format(name, l[name], exact))
    end
  end)

  it("fall each into one bin, whose bounds rise", function()
    for _, values in ipairs{ { 0 }, { 1, 1, 1 }, { 0, 1, 2 }, { 999, 1000, 1001 }, { 40, 41, 59 }, { 3, 86400000 },
        { 100, 100, 106, 112 }, { 5, 50, 500, 5000, 50000 } } do
      local l, sum = finish(values), 0
      for i, bin in ipairs(l.bins) do
        assert.is_true(bin.from < bin.to)
        if i > 1 then assert.equal(l.bins[i - 1].to, bin.from) end
        local inside = 0
        for _, ms in ipairs(values) do
          if ms >= bin.from and ms < bin.to then inside = inside + 1 end
        end
        assert.equal(inside, bin.rows)
        sum = sum + bin.rows
      end
      assert.equal(#values, sum)
      assert.is_true(#l.bins <= 100)
    end
    assert.is_nil(finish{})
  end)
end)

describe("the timeline", function()
  local timelines = require "moonkey.batch.report.timeline"

  local function total(t)
    local sum, bins = 0, 0
    for _, segment in ipairs(t.segments) do
      bins = bins + #segment.bins
      for _, bin in ipairs(segment.bins) do sum = sum + bin.done end
    end
    return sum, bins
  end

  it("has few bins for a run of any length, and each row in one of them", function()
    for _, length in ipairs{ 1, 30, 999, 60000, 3600000, 86400000 * 30, 86400000 * 3000 } do
      local t = timelines.new(1000, { { number = 1, started = 1000 } })
      for i = 0, 999 do t:add("done", length * i // 1000) end
      t:add("done", length)
      local sum, bins = total(t:finish())
      assert.equal(1001, sum, length)
      assert.is_true(bins >= 1 and bins <= 121, length .. " ms: " .. bins)
    end
  end)

  it("puts rows into the session in which they ended, in any order", function()
    local t = timelines.new(0, { { number = 1, started = 0 }, { number = 2, started = 100000, ended = 101000 },
      { number = 3, started = 900000 } })
    for _, at in ipairs{ 900500, 5, 100300, 99999, 900001, 100999 } do t:add("done", at) end
    local sums = {}
    for i, segment in ipairs(t:finish().segments) do
      sums[i] = 0
      for _, bin in ipairs(segment.bins) do sums[i] = sums[i] + bin.done end
    end
    assert.same({ 2, 2, 2 }, sums)
  end)
end)

describe("the outcome in words", function()
  local function said(options)
    local f = gather(options)
    return f.said.sentence, f.said.why, f.said.verdict
  end

  local function ended(outcome) return { { kind = "batch", started = 0, ended = 5000, outcome = outcome, retries = 0 } } end

  it("is a plain sentence", function()
    assert.same({ "All 300 rows are done.", nil, "good" }, { said{ rows = 300 } })
    assert.equal("The one row is done.", (said{ rows = 1 }))
    assert.equal("There were no rows: nothing had to be done.", (said{ rows = 0 }))
    assert.equal("None of 20 rows needed a write.", (said{ rows = 20, skipped = 1 }))
    assert.equal("All 20 rows are in order: 10 done, 10 needed no write.", (said{ rows = 20, skipped = 2 }))
    assert.same({ "1,188 of 1,200 rows are done; 12 are unknown.", nil, "unknown" }, { said{ rows = 1200, unknown = 100 } })
    assert.equal("Dry run, nothing was written: all 3 rows could be done.", (said{ rows = 3, run = { options = { dry_run = true } } }))
  end)

  it("says why a run ended early", function()
    local sentence, why, verdict = said{ rows = 300, ended = 100, sessions = ended("interrupted") }
    assert.same({ "100 of 300 rows are done; 200 are not done.", "It was interrupted.", "incomplete" }, { sentence, why, verdict })
    sentence, why = said{ rows = 300, ended = 100, run = { rows = false }, sessions = { { kind = "batch", started = 0 } } }
    assert.same({ "100 rows are done; the rest of the input was not read.",
      "It broke off: it was killed, or its journal could not be written." }, { sentence, why })
    assert.is_nil((select(2, said{ rows = 300, sessions = { { kind = "batch", started = 0 } } }))) -- after the last row
    assert.equal("It was stopped by its halt rule (fail=5%).",
      (select(2, said{ rows = 9, ended = 5, sessions = ended("halt"), run = { options = { halt = "fail=5%" } } })))
    for _, outcome in ipairs{ "auth", "forbidden", "certificate", "consent", "halt", "limit", "output", "journal", "unusable",
        "error" } do
      assert.matches("^It .+%.$", (select(2, said{ rows = 9, ended = 4, sessions = ended(outcome) })))
    end
  end)

  it("counts as under way only what is", function()
    local _, path = journal_of{ rows = 20, ended = 10, new = 2, run = { rows = false } }
    local w = assert(writer.reopen(path))
    finally(function() w:close("done", 0) end)
    assert(w:begin("resume"))
    local function unclear()
      local journal <close> = assert(reader.open(path))
      local totals = facts.gather(journal).totals
      return { totals.unknown, totals.in_flight }
    end
    assert.same({ 2, 0 }, unclear()) -- of a session that broke off
    assert(w:record{ row = 11, id = "TKN-0000-0011", intent = "POST /x" })
    assert.same({ 2, 1 }, unclear())
  end)

  it("says what can be done next", function()
    local commands = {}
    local f, journal = gather(fixture.EVENTFUL)
    for i, step in ipairs(f.said.next) do
      local name
      commands[i], name = step.command:match("^moonkey (%a+) r?e?s?u?l?t?s? ?(%S+)")
      assert.equal(journal.path, name) -- it is not in the state directory, where an id would be looked for
    end
    assert.same({ "resume", "retry", "runs", "undo" }, commands)
    assert.same({}, gather{ rows = 3 }.said.next)
  end)

  it("offers nothing that would be refused", function()
    local function offered(run)
      local list = {}
      for i, step in ipairs(gather{ rows = 40, ended = 30, failed = 2, changes = true, run = run }.said.next) do
        list[i] = step.command:match("^moonkey (%a+)")
      end
      return table.concat(list, " ")
    end
    assert.equal("resume retry runs undo", offered{})
    assert.equal("runs undo", offered{ command = false }) -- only the script that began it goes on with it
    assert.equal("resume retry undo", offered{ input = false }) -- from standard input: to be given again
    assert.equal("runs", offered{ options = { emulator = true } })
    assert.equal("resume retry runs undo", offered{ options = { emulator = true, emulator_data = "/tokens.db" } })
  end)

  it("names the command that has all rows of a cause", function()
    local f, journal = gather{ rows = 1000, failed = 2, unknown = 3 }
    local shown = page.render(f)
    for _, flag in ipairs{ "", " --failed" } do
      local command = ("<bdi>moonkey runs results %s%s</bdi></code> has all"):format(journal.path, flag)
      assert.is_truthy(shown:find(command, 1, true), command)
    end
  end)
end)

-- Tags and attributes that a page may have: none that loads or runs anything.
local TAGS = "html head meta title style body main header footer section article h1 h2 h3 p b div span dl dt dd code bdi time br "
  .. "details summary table caption thead tbody tr th td figure ins del svg desc rect line text "
local ATTRIBUTES = "charset http-equiv content name lang class id datetime aria-labelledby aria-label role scope tabindex open "
  .. "viewBox preserveAspectRatio x y x1 x2 y1 y2 width height text-anchor "

local function is_word_of(word, list) return (" " .. list):find(" " .. word .. " ", 1, true) ~= nil end

-- Raises for markup that is not ours: what is between < and > is a tag with quoted attributes, and elements nest.
local function check_markup(html)
  local body = html:gsub("^<!DOCTYPE html>\n", ""):gsub("<style>.-</style>", "<style></style>", 1)
  local stack = {}
  for between, tag in body:gmatch("([^<]*)<([^>]*)>") do
    assert(not between:find(">", 1, true), "a bare > in " .. between:sub(1, 80))
    local closing, name, rest = tag:match("^(/?)(%a%w*)(.*)$")
    assert(name and is_word_of(name, TAGS), "an element that no page has: <" .. tag:sub(1, 80))
    for attribute in rest:gsub('="[^"]*"', ""):gmatch("%S+") do
      assert(is_word_of(attribute, ATTRIBUTES), "an attribute that no page has: " .. attribute)
    end
    if closing == "/" then
      assert.equal(name, table.remove(stack))
    elseif name ~= "meta" and name ~= "br" then
      stack[#stack + 1] = name
    end
  end
  assert.same({}, stack)
end

describe("the page", function()
  it("holds no markup but its own, whatever input and server say", function()
    local html = page.render(gather(fixture.EVENTFUL))
    check_markup(html)
    assert.truthy(html:find("&lt;script&gt;alert(1)&lt;/script&gt;", 1, true)) -- it is shown, as text
    assert.truthy(html:find("ACC-1234-5678</span> (&lt;b&gt;Contoso&lt;/b&gt;)", 1, true))
    assert.truthy(html:find("right\\u202eto left", 1, true))
    assert.truthy(html:find("bell\\u0007 escape\\u001b[31m null\\u0000", 1, true))
    assert.is_nil(html:find("\u{202E}", 1, true))
    assert.is_nil(html:find("[\0-\8\11-\31\127]"))
    assert.truthy(utf8.len(html))
  end)

  it("has a heading, tables with scopes, charts with names, and a policy that forbids everything", function()
    local html = page.render(gather(fixture.EVENTFUL))
    local _, headings = html:gsub("<h1>", "")
    assert.equal(1, headings)
    assert.truthy(html:find("default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;", 1, true))
    for th in html:gmatch("<th[ >][^>]*") do assert.truthy(th:find('scope="', 1, true) or th == "<thead", th) end
    for svg in html:gmatch("<svg .->.-</svg>") do
      local title, desc = svg:match('aria%-labelledby="([%w-]+) ([%w-]+)"')
      assert.truthy(svg:find(('<title id="%s">%%S'):format(title:gsub("%-", "%%-"))))
      assert.truthy(svg:find(('<desc id="%s">%%S'):format(desc:gsub("%-", "%%-"))))
    end
    assert.is_nil(html:find("://", 1, true) and html:gsub("https://api%.platform%.softwareone%.com", ""):match("%a+://"))
  end)

  it("is small however many rows there are, and says how many it does not show", function()
    local html = page.render(gather{ rows = 30000, failed = 10, changes = true, per_second = 1000 })
    assert.is_true(#html < 500000, #html)
    check_markup(html)
    assert.truthy(html:find("These are the first 200 of %d+,%d+ rows"))
    assert.truthy(html:find("These are the first 50 of %d+ rows"))
  end)

  it("exists for runs in which hardly anything happened", function()
    for _, options in ipairs{ { rows = 0 }, { rows = 1 }, { rows = 5, ended = 0, run = { rows = false } }, { rows = 3, new = 3 },
        { rows = 0, sessions = {} }, { rows = 4, skipped = 1 },
        { rows = 2, run = { host = false, account = false, source = false, input = false, credential = false, own_id = false } } } do
      local f, journal = gather(options)
      check_markup(page.render(f))
      assert.is_string(text.render(f))
      assert.is_string(junit_text(journal, f))
      assert.equal(options.run and options.run.rows == false and json.null or options.rows,
        json.decode(json_form.render(f)).totals.rows or json.null)
    end
  end)
end)

describe("every form", function()
  it("is without secrets", function()
    local journal, path = journal_of{ rows = 4000, failed = 5, unknown = 90, hostile = true, changes = true,
      run = { account = fixture.SECRET, source = fixture.SECRET, options = { jobs = 3, note = fixture.SECRET } } }
    assert.is_true(select(2, contents(path):gsub("NoReportMayShowThis", "")) > 100) -- it is in all kinds of places
    local f = facts.gather(journal)
    for name, form in pairs{ html = page.render(f), json = json_form.render(f), text = text.render(f),
        junit = junit_text(journal, f) } do
      assert.is_true(select(2, form:gsub("%[redacted%]", "")) > 1, name)
      assert.is_nil(form:find("NoReportMayShowThis", 1, true), name)
    end
  end)
end)

describe("JUnit XML", function()
  -- What Python's parser makes of it: a test suite's attributes, and its cases.
  local function parsed(xml)
    local path = child.write(child.directory(finally) .. "/junit.xml", xml)
    local pipe = io.popen(([[python3 -c '
import json, sys, xml.etree.ElementTree as E
suite = E.parse(sys.argv[1]).getroot()[0]
print(json.dumps({"suite": suite.attrib, "cases": [{"name": c.get("name"), "failure": c.findtext("failure"),
  "error": c.findtext("error")} for c in suite.findall("testcase")]}))' %s]]):format(path))
    local out = pipe:read("a")
    assert.is_true((pipe:close()))
    return assert(json.decode(out))
  end

  local function count(cases, field)
    local n = 0
    for _, case in ipairs(cases) do n = n + (case[field] ~= json.null and 1 or 0) end
    return n
  end

  it("is valid, whatever input and server say, and counts what it has", function()
    local f, journal = gather(fixture.EVENTFUL)
    local xml = junit_text(journal, f)
    local doc = parsed(xml)
    local suite, cases = doc.suite, doc.cases
    assert.equal(#cases, tonumber(suite.tests))
    assert.equal(f.totals.failed, tonumber(suite.failures))
    assert.equal(f.totals.failed, count(cases, "failure"))
    assert.equal(f.totals.unknown + 1, tonumber(suite.errors)) -- and the rows that are not done
    assert.equal(f.totals.unknown + 1, count(cases, "error"))
    assert.truthy(xml:find("]]&gt;", 1, true))
    assert.is_nil(xml:find("]]>", 1, true))
    assert.equal("not done: 50 rows", cases[#cases].name)
  end)

  it("has all failures, and of rows that are fine the first thousand and their number", function()
    local f, journal = gather{ rows = 5000, failed = 2 }
    local cases = parsed(junit_text(journal, f)).cases
    assert.is_true(f.totals.failed > 2000)
    assert.equal(f.totals.failed + 1000 + 1, #cases)
    assert.equal(("%d more that are fine"):format(f.totals.done - 1000):gsub("^(%d)(%d%d%d) ", "%1,%2 rows "), cases[#cases].name)
    f, journal = gather{ rows = 20 }
    assert.equal(20, #parsed(junit_text(journal, f)).cases)
  end)
end)

describe("moonkey report", function()
  local function prepared(options)
    local dir = child.directory(finally)
    os.execute("mkdir -p " .. dir .. "/moonkey/runs")
    local path = fixture.write(dir .. "/moonkey/runs/20251125-140210-k3vq.journal", options or fixture.EVENTFUL)
    return dir, path, { env = "XDG_STATE_HOME=" .. dir, dir = dir }
  end

  it("finds the run, and writes a summary, JSON, a page, and JUnit", function()
    local dir, path, where = prepared()
    for _, name in ipairs{ "last", "20251125", "20251125-140210-k3vq", path } do
      local code, out, err = child.run({ "report", name }, where)
      assert.same({ 0, "" }, { code, err })
      assert.matches("^Run 20251125%-140210%-k3vq\n%d,%d+ of 4,000 rows are in order; %d+ failed", out)
    end
    local code, out = child.run({ "report", "last", "-o", "json" }, where)
    local doc = json.decode(out)
    assert.same({ 0, "20251125-140210-k3vq", "2025-11-25T14:02:10.000Z", 50, false },
      { code, doc.run.id, doc.run.created, doc.totals.not_done, doc.running })
    assert.is_true(json.is_array(doc.failures) and json.is_array(doc.timeline.segments[1].bins))
    local err
    code, out, err = child.run({ "report", "last", "--html", "r.html", "--junit", "r.xml" }, where)
    assert.same({ 0, "" }, { code, out })
    assert.matches("the report is in r%.html", err)
    assert.matches("^<!DOCTYPE html>.*</html>\n$", contents(dir .. "/r.html"))
    assert.matches("^<%?xml.*</testsuites>\n$", contents(dir .. "/r.xml"))
    local mode = io.popen("stat -c %a " .. dir .. "/r.html"):read("l")
    assert.equal("600", mode)
    code, out = child.run({ "report", "last", "--html", "-" }, where)
    assert.equal(0, code)
    assert.matches("^<!DOCTYPE html>", out)
  end)

  it("tells of a run of batch what batch told", function()
    local dir = child.directory(finally)
    local where = { env = "XDG_STATE_HOME=" .. dir, dir = dir }
    child.write(dir .. "/in.csv", "id,name\nTKN-0000-0002,New\nTKN-0000-0003,<script>alert(1)</script>\nTKN-9999-9999,x\n,y\n")
    local code, _, err = child.run({ "--emulator", "batch", "in.csv", "--undoable", "-j", "3" }, where)
    assert.equal(3, code)
    assert.matches("1 done, 3 failed", err)
    local out
    code, out = child.run({ "report", "last", "-o", "json" }, where)
    assert.equal(0, code)
    local doc = json.decode(out)
    assert.same({ rows = 4, done = 1, failed = 3, unknown = 0, skipped = 0, in_flight = 0, not_done = 0 }, doc.totals)
    assert.same({ "emulator", "in.csv", dir .. "/in.csv", "done", 3 },
      { doc.run.target, doc.run.source, doc.run.input, doc.sessions[1].outcome, tonumber(doc.run.options.jobs) })
    assert.same({ { field = "name", from = "Catalog import 0002", to = "New" } }, doc.changes.rows[1].changes)
    local lines = {}
    for _, cause in ipairs(doc.failures) do lines[#lines + 1] = cause.rows[1].line end
    table.sort(lines)
    assert.same({ 3, 4, 5 }, lines)
    code, out = child.run({ "report", "last", "--html", "-" }, where)
    assert.equal(0, code)
    check_markup(out)
    assert.truthy(out:find("1 of 4 rows is done; 3 failed.", 1, true))
    assert.is_nil(out:find("idt:TKN-%d+-%d+:%w"))
  end)

  it("says of a run that is under way that it is", function()
    local dir, path, where = prepared{ rows = 40, ended = 30, new = 2, run = { rows = false },
      sessions = { { kind = "batch", started = 0 } } }
    local held = assert(sqlite.open(path, { lock = true }))
    finally(function() held:close() end)
    local code, out = child.run({ "report", "last" }, where)
    assert.equal(0, code)
    assert.matches("\nUnder way: 28 rows are done%.\n.*under way", out)
    assert.is_nil(out:find("Next", 1, true))
    child.run({ "report", "last", "--html", "r.html", "--junit", "r.xml" }, where)
    assert.matches("while the run is under way", contents(dir .. "/r.html"))
    assert.matches('type="under way"', contents(dir .. "/r.xml"))
    held:close()
    code, out = child.run({ "report", "last" }, where)
    assert.equal(0, code)
    assert.matches("\n28 rows are done; 2 are unknown and the rest of the input was not read%. It broke off: ", out)
  end)

  it("overwrites nothing, and says what is wrong", function()
    local dir, path, where = prepared{ rows = 5 }
    child.write(dir .. "/full.html", "mine")
    child.write(dir .. "/empty.html", "")
    child.write(dir .. "/text.journal", ("not a journal"):rep(100))
    child.write(dir .. "/cut.journal", contents(path):sub(1, 5000))
    local whole = contents(fixture.write(dir .. "/whole.journal", { rows = 3000 }))
    child.write(dir .. "/bad.journal", whole:sub(1, 60000) .. ("\xa5"):rep(60000) .. whole:sub(120001))
    local mistakes = {
      ["%-%-html: full%.html exists already and is not empty: it will not be overwritten"] = { "last", "--html", "full.html" },
      ["%-%-junit: cannot create nosuch/r%.xml: No such file"] = { "last", "--junit", "nosuch/r.xml" },
      ["%-%-html needs the name of a file"] = { "last", "--html", "" },
      ["%-o json and %-%-html %- both go to standard output"] = { "last", "--html", "-", "-o", "json" },
      ["%-%-html %- and %-%-junit %- both"] = { "last", "--html", "-", "--junit", "-" },
      ["name the same file: r%.x"] = { "last", "--html", "r.x", "--junit", "r.x" },
      ["there is no run 1999"] = { "1999" },
      ["there is no journal nosuch%.journal"] = { "nosuch.journal" },
      ["cannot read the journal text%.journal: it is damaged, or no journal"] = { "text.journal" },
      ["cannot read the journal cut%.journal"] = { "cut.journal" },
      ["cannot read the journal bad%.journal: it is damaged, or no journal of moonkey %(.*%)\n$"] = { "bad.journal" },
      ["missing argument 'run'"] = {},
    }
    for message, args in pairs(mistakes) do
      local code, out, err = child.run({ "report", table.unpack(args) }, where)
      assert.same({ 2, "" }, { code, out }, err)
      assert.matches("^moonkey: .*" .. message, err)
    end
    assert.equal("mine", contents(dir .. "/full.html"))
    assert.equal(0, (child.run({ "report", "last", "--html", "empty.html" }, where)))
    assert.matches("^<!DOCTYPE", contents(dir .. "/empty.html"))
  end)
end)
