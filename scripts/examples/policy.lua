-- A policy for scripts/least_privilege.lua: the first rule that matches decides which modules a token may have.
return {
  { name = "Billing*", modules = { "MOD-9042" } },
  { name = "Order*", modules = { "MOD-3381" } },
  { account = "ACC-*", name = "*", modules = { "MOD-1756" } },
}
