-- Run by `moonkey test`, against an emulator that is this file's alone: it begins with TKN-0000-0001 to TKN-0000-1000.
local teams = require "teams"

describe("teams", function()
  it("are told by the name", function()
    assert.equal("CRM", teams.of("CRM - nightly import"))
    assert.is_nil(teams.of("nightly import"))
  end)

  it("take each other's place", function()
    assert.equal("CRM - import", teams.put_before("import", "CRM"))
    assert.equal("CRM - import", teams.put_before("SUPPORT - import", "CRM"))
  end)

  it("are written to the token, once", function()
    local tok, changed = assert(teams.assign("TKN-0000-0002", "CRM"))
    assert.is_true(changed)
    assert.equal(tok.name, assert(token.get("TKN-0000-0002")).name)
    assert.equal("CRM", teams.of(tok.name))
    assert.is_false(select(2, teams.assign("TKN-0000-0002", "CRM")))
  end)

  it("cannot be given to a token that is not there", function()
    local tok, err = teams.assign("TKN-9999-9999", "CRM")
    assert.is_nil(tok)
    assert.equal(404, err.status)
  end)
end)
