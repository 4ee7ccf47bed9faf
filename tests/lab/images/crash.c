/* A program that gives up at start, as one with a missing configuration file does: pods of it crash-loop. */
#include <stdio.h>
#include <unistd.h>

int main(void) {
    fputs("starting\n", stderr);
    fputs("cannot open configuration file /etc/app.conf: No such file or directory\n", stderr);
    usleep(500000); /* long enough for the pod to be seen Running between two crashes */
    fputs("giving up\n", stderr);
    return 1;
}
