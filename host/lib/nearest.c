/* nearest: see nearest.h. Also moonkey.nearest for the commands and the batch. */
#include "nearest.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "lib.h"

enum { LONGEST = 64 };

/* Levenshtein's distance, ignoring case; names longer than LONGEST are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1], n = strlen(b);
    if (n > LONGEST || strlen(a) > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            size_t best = diagonal + (tolower((unsigned char)*a) != tolower((unsigned char)b[j - 1]));
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[n];
}

const char *nearest(const char *text, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t limit = strlen(text) / 3 + 1, least = limit + 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(text, names[i]);
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}

/* nearest(text, names): the closest of the list of names, or nil. */
static int f_nearest(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t count = lua_rawlen(L, 2);
    const char **names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        names[i] = luaL_checkstring(L, -1);
        lua_pop(L, 1);
    }
    lua_pushstring(L, nearest(text, names, count));
    return 1;
}

int luaopen_moonkey_nearest(lua_State *L)
{
    lua_pushcfunction(L, f_nearest);
    return 1;
}
