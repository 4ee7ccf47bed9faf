/* The container that holds a pod's namespaces. As pid 1 it gets no default signal action and may inherit the pod's zombies. */
#include <signal.h>
#include <unistd.h>

static void leave(int signal_number) {
    (void)signal_number;
    _exit(0);
}

int main(void) {
    signal(SIGCHLD, SIG_IGN);
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    for (;;)
        pause();
}
