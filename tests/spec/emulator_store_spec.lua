-- The emulator's store: what it keeps, whom it refuses, and that a batch is all or nothing.
local answering = require "moonkey.emulator.answer"
local emulator = require "moonkey.emulator"
local json = require "moonkey.json"
local log = require "moonkey.log"
local routes = require "moonkey.emulator.routes"
local sqlite = require "moonkey.sqlite"
local temporary = require "temporary"

local PATH = "/public/v1/accounts/api-tokens/"

local function write(path, ...)
  local file = assert(io.open(path, "w"))
  file:write(...)
  file:close()
end

describe("the emulator's store", function()
  local data

  before_each(function()
    data = temporary.name()
    os.remove(data)
  end)

  after_each(function()
    for _, path in ipairs({ data, data .. "-wal", data .. "-shm" }) do
      os.remove(path)
    end
  end)

  local function request(credential, method, id, body)
    return { method = method, path = PATH .. id, body = body,
      headers = { authorization = "Bearer " .. credential, ["content-type"] = "application/json" } }
  end

  local function get(store, credential, id)
    return json.decode(routes.handle(store, request(credential, "GET", id)).body)
  end

  local function answer(store, batch)
    answering.new({ store = store }):answer(batch)
  end

  -- A request as moonkey.emulator.answer takes it; what it was answered with is left in it.
  local function waiting(...)
    local r = request(...)
    r.reply = function(self, status, body)
      self.status, self.answer = status, body
    end
    return r
  end

  describe("in a file", function()
    it("keeps what was written, and leaves a later seed out", function()
      local log_info = log.info
      log.info = function() end
      finally(function()
        log.info = log_info
      end)
      local store, credential = assert(emulator.open({ data = data, seed = 3 }))
      answer(store, { waiting(credential, "PUT", "TKN-0000-0002", '{"name":"Kept"}') })
      store:close()
      store, credential = assert(emulator.open({ data = data, seed = 20 }))
      assert.equal(3, store:count())
      assert.equal("Kept", get(store, credential, "TKN-0000-0002").name)
      store:close()
    end)

    it("is for one process at a time", function()
      local store = assert(emulator.open({ data = data }))
      local second, message = emulator.open({ data = data })
      assert.is_nil(second)
      assert.matches(data .. " is in use by another process", message, 1, true)
      store:close()
      assert(emulator.open({ data = data })):close()
    end)

    it("refuses what is not a database", function()
      write(data, ("text\n"):rep(1000))
      local store, message = emulator.open({ data = data })
      assert.is_nil(store)
      assert.matches(data .. " is not a database of the emulator", message, 1, true)
    end)

    it("refuses the database of another program, and leaves it as it is", function()
      local db = assert(sqlite.open(data))
      db:exec("CREATE TABLE t (v)")
      db:close()
      local store, message = emulator.open({ data = data })
      assert.is_nil(store)
      assert.matches("is a database of another program", message, 1, true)
      db = assert(sqlite.open(data, { readonly = true }))
      assert.equal("delete", (db:prepare("PRAGMA journal_mode"):row()))
      db:close()
    end)

    it("refuses one of a later version", function()
      assert(emulator.open({ data = data })):close()
      local db = assert(sqlite.open(data))
      db:exec("PRAGMA user_version = 99")
      db:close()
      local store, message = emulator.open({ data = data })
      assert.is_nil(store)
      assert.matches("was written by a newer version of moonkey", message, 1, true)
    end)

    it("says why it cannot be made", function()
      local store, message = emulator.open({ data = "/nonexistent/x.db" })
      assert.is_nil(store)
      assert.matches("cannot open /nonexistent/x.db: .*No such file or directory", message)
    end)
  end)

  describe("a batch of requests", function()
    local handle, log_error = routes.handle, log.error
    after_each(function()
      routes.handle, log.error = handle, log_error
    end)

    it("is answered in order, and later ones see what earlier ones did", function()
      local store, credential = assert(emulator.open({}))
      local batch = {
        waiting(credential, "PUT", "TKN-0000-0002", '{"name":"One"}'),
        waiting(credential, "GET", "TKN-0000-0002"),
        waiting(credential, "POST", "TKN-0000-0002/disable"),
        waiting(credential, "POST", "TKN-0000-0002/disable"),
      }
      answer(store, batch)
      assert.equal("One", json.decode(batch[2].answer).name)
      assert.same({ 200, 200, 200, 400 }, { batch[1].status, batch[2].status, batch[3].status, batch[4].status })
    end)

    it("in which one fails is done again without it", function()
      local store, credential = assert(emulator.open({}))
      local logged
      function log.error(...)
        logged = string.format(...)
      end
      function routes.handle(st, r)
        local reply = handle(st, r)
        return reply.status == 200 and r.path:find("0003") and error("broken on purpose") or reply
      end
      local batch = {
        waiting(credential, "PUT", "TKN-0000-0002", '{"name":"Two"}'),
        waiting(credential, "PUT", "TKN-0000-0003", '{"name":"Three"}'),
        waiting(credential, "PUT", "TKN-0000-0004", '{"name":"Four"}'),
      }
      answer(store, batch)
      assert.same({ 200, 500, 200 }, { batch[1].status, batch[2].status, batch[3].status })
      assert.matches("^PUT .*TKN%-0000%-0003 failed: .*broken on purpose", logged)
      routes.handle = handle
      assert.equal("Two", get(store, credential, "TKN-0000-0002").name)
      assert.equal(2, get(store, credential, "TKN-0000-0002").revision)
      assert.equal(1, get(store, credential, "TKN-0000-0003").revision)
      assert.equal("Four", get(store, credential, "TKN-0000-0004").name)
    end)
  end)
end)
