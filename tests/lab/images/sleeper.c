/* A program that runs, listens on nothing and ends on SIGTERM: its readiness never succeeds.
 * It is also the lab's pause container. As pid 1 it gets no default signal action, hence the handler. */
#include <signal.h>
#include <unistd.h>

static void leave(int signal_number) {
    (void)signal_number;
    _exit(0);
}

int main(void) {
    signal(SIGCHLD, SIG_IGN); /* a pause container may inherit a pod's zombies */
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    for (;;)
        pause();
}
