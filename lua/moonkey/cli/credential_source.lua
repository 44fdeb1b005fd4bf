--[[
What moonkey starts itself to have a credential from a module of the user's (cli/credential.lua): prints what the module
moonkey.credential.NAME of the profile's `credential_source` returns. Not to a terminal: a secret is shown nowhere.
]]
local connect = require "moonkey.cli.connect"
local extension = require "moonkey.extension"
local secret = require "moonkey.secret"
local stop = require "moonkey.cli.stop"
local sys = require "moonkey.sys"

local M = { summary = "print the credential of a profile's credential_source to moonkey itself" }

function M.configure() end

local function refuse(profile, path, message)
  stop.with(1, ("%s: the credential source '%s' (%s): %s"):format(profile.where, profile.credential_source, path, message))
end

-- The credential as text, as the module gives it.
local function read(profile)
  local name = profile.credential_source
  local module, message = extension.load("credential", name)
  if not module then stop.with(2, ("%s: %s"):format(profile.where, message)) end
  local path = extension.find("credential", name)
  local ok, value, why = pcall(module.read, profile.credential_options or {})
  if not ok then refuse(profile, path, "it failed: " .. tostring(value)) end
  if secret.is(value) then value = secret.reveal(value) end
  if value == nil then refuse(profile, path, why and tostring(why) or "it returned nothing") end
  if type(value) ~= "string" then refuse(profile, path, "it must return the credential as text, not a " .. type(value)) end
  return value
end

function M.run(args)
  local profile = connect.find_profile(args)
  if not profile or not profile.credential_source then
    stop.usage("credential-source is for moonkey itself, with a profile that has a credential_source")
  elseif sys.isatty(1) then
    stop.usage("credential-source prints a secret to moonkey, and not to a terminal")
  end
  io.stdout:write(read(profile), "\n")
  return io.stdout:flush() and 0 or 1
end

return M
