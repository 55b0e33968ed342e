/* SPDX-License-Identifier: Apache-2.0 */
/* What net/listener asks of net/conn. Thread: the loop's. */
#ifndef FCD_NET_CONN_PRIV_H
#define FCD_NET_CONN_PRIV_H

#include "strangler/net/conn.h"

/* False: the loop cannot watch one more; `fd` is still the caller's. */
bool fcd_conn_open(struct fcd_listener *listener, int fd, const struct fx_addr *peer);

#endif
