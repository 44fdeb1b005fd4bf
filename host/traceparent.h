/*
 * traceparent: the W3C Trace Context header (https://www.w3.org/TR/trace-context/, 3.2), by which the platform's logs and ours
 * can be matched: one trace id a call, a span id of its own for each request that the call needs.
 */
#ifndef MOONKEY_TRACEPARENT_H
#define MOONKEY_TRACEPARENT_H

#define TRACEPARENT_SIZE 56 /* 00-<32 hex digits>-<16 hex digits>-01, and the NUL */

/* A new trace with a first span. */
void traceparent_begin(char text[TRACEPARENT_SIZE]);
/* The same trace, another span. */
void traceparent_next(char text[TRACEPARENT_SIZE]);

#endif
