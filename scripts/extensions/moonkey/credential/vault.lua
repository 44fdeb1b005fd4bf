--[[
A credential source: HashiCorp Vault, or OpenBao, by its command line. In ~/.config/moonkey/config.lua:

  production = {
    credential_source = "vault",
    credential_options = { path = "secret/marketplace", field = "token", address = "https://vault.example.com" },
  },

`program` in the options names another program than `vault`, which has to take the same words.

To use it, copy this file to ~/.config/moonkey/lua/moonkey/credential/. A source returns a function: it is given the options of
the profile, and returns the credential, or nil and why there is none. It is run in a process of its own, before anything else;
options are data, and no place for secrets.
]]
local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

return function(options)
  local path, field = options.path, options.field or "token"
  if type(path) ~= "string" then return nil, 'credential_options need a path, such as path = "secret/marketplace"' end
  local command = ("%s kv get -field=%s %s"):format(quote(options.program or "vault"), quote(field), quote(path))
  if options.address then command = ("VAULT_ADDR=%s %s"):format(quote(options.address), command) end
  local pipe, message = io.popen(command)
  if not pipe then return nil, message end
  local text = pipe:read("a")
  local ok, _, status = pipe:close()
  if not ok then
    return nil, ("vault gave nothing for the field %s of %s (exit status %d), its message stands above; `vault login` first?")
      :format(field, path, status)
  end
  return text
end
