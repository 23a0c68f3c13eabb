/* fail.h - what the shim in the daemon and the program that tortures it share: a page of memory. */
#ifndef TORTURE_FAIL_H
#define TORTURE_FAIL_H

/* Zeros at first.  The shim begins to count when the daemon has accepted its first connection, so
 * that its start is not tortured. */
struct fail_control {
    _Atomic long calls;    /* calls that may fail, since then */
    _Atomic long fails_at; /* the number of the one that fails, from 1; 0: none */
    _Atomic int onward;    /* as do all after it */
    _Atomic int armed;
    _Atomic int is_off;  /* told by the torturer: nothing fails and nothing is counted any more */
    _Atomic long failed; /* calls that did */
    _Atomic long blocks; /* of the heap and mapped ones, that are not given back */
    char name[32];       /* of the first call that failed */
};

/* Where the shim finds it: the path of a file that can be mapped. */
#define FAIL_CONTROL "FAIL_CONTROL"

#endif
