/* How this addon starts a thread. */
#ifndef PCLOUD_LIBVIRT_THREAD_H
#define PCLOUD_LIBVIRT_THREAD_H

/* Creates a detached thread that takes no signals: those belong to Node's main thread. 0, or an errno. */
int start_thread(void *(*function)(void *), void *argument);

#endif
