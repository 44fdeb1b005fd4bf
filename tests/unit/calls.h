/* calls: a client, the peer that it calls, and the calls, for the tests of client and of what drives it. */
#ifndef MOONKEY_UNIT_CALLS_H
#define MOONKEY_UNIT_CALLS_H

#include "client.h"
#include "peer.h"
#include "unit.h"

#define CREDENTIAL "idt:TKN-0000-0001:CredentialOfAUnitTest"

extern struct loop *loop;
extern struct client *client; /* both from open_client() on, for one test */
extern struct peer *peer;
extern struct client_config config; /* to be changed before that */

struct call_outcome {
    unsigned count;
    struct call *call;
};

/* Set-up and teardown of each test. */
int start(void **state);
int end(void **state);
#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

/* With `config` and the peer's replies. */
void open_client(const struct peer_reply *replies, size_t count);
/* Until nothing is left that could happen. */
void run(void);
/* The same, on a clock on which minutes pass in an instant, so that nobody has to wait for the breaker. */
void run_fast(void);
/* That clock, until clock_override(NULL). */
void go_fast(void);

/* For client_call(): counts, and keeps the call. */
void done(struct call *call, void *arg);
struct call *begin(const char *method, const char *target, struct call_outcome *o);
/* A call from its beginning to its end. */
struct call *complete(const char *method, const char *target);
/* That it has ended so; frees it. */
void check(struct call *call, enum failure failure, long status, unsigned attempts);

extern const struct peer_reply ok, busy;

#endif
