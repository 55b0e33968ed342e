/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive doubly linked list. The head and its links are declared by type, so that a node
 * cannot be taken out of a list of another kind:
 *
 *     struct conn { FX_LINK(conn) link; … };
 *     FX_LIST(conn) idle = FX_LIST_EMPTY;
 *     FX_LIST_PUSH(&idle, c, link);        at the tail
 *     FX_LIST_REMOVE(&idle, c, link);
 *     FX_LIST_EACH(&idle, c, link) …       removing `c` inside is allowed only with
 *                                          FX_LIST_EACH_SAFE
 *
 * The link of a node that is in no list is zero. Pushing a node that is in a list, or removing one
 * from a list that it is not in, panics.
 *
 * The list that an object is in may be its state; then one function changes both.
 */
#ifndef FX_BASE_LIST_H
#define FX_BASE_LIST_H

#include "lib/base/fx.h"
#include "lib/base/panic.h"

#define FX_LINK(type)      \
    struct {               \
        struct type *prev; \
        struct type *next; \
    }

#define FX_LIST(type)       \
    struct {                \
        struct type *first; \
        struct type *last;  \
        size_t len;         \
    }

#define FX_LIST_EMPTY \
    {                 \
        NULL, NULL, 0 \
    }

#define FX_LIST_PUSH(list, node, link)                                      \
    do {                                                                    \
        FX_ASSERT((node)->link.prev == NULL && (node)->link.next == NULL && \
                  (list)->last != (node));                                  \
        (node)->link.prev = (list)->last;                                   \
        (node)->link.next = NULL;                                           \
        if ((list)->last != NULL)                                           \
            (list)->last->link.next = (node);                               \
        else                                                                \
            (list)->first = (node);                                         \
        (list)->last = (node);                                              \
        (list)->len++;                                                      \
    } while (0)

/* Behind `before`, which is in the list; NULL: at the head. */
#define FX_LIST_INSERT(list, before, node, link)                                               \
    do {                                                                                       \
        __typeof__((list)->first) at_ = (before);                                              \
        FX_ASSERT((node)->link.prev == NULL && (node)->link.next == NULL &&                    \
                  (list)->last != (node));                                                     \
        (node)->link.prev = at_;                                                               \
        (node)->link.next = at_ != NULL ? at_->link.next : (list)->first;                      \
        *(at_ != NULL ? &at_->link.next : &(list)->first) = (node);                            \
        *((node)->link.next != NULL ? &(node)->link.next->link.prev : &(list)->last) = (node); \
        (list)->len++;                                                                         \
    } while (0)

#define FX_LIST_REMOVE(list, node, link)                                                        \
    do {                                                                                        \
        FX_ASSERT((list)->len > 0);                                                             \
        FX_ASSERT(((node)->link.prev != NULL ? (node)->link.prev->link.next : (list)->first) == \
                  (node));                                                                      \
        FX_ASSERT(((node)->link.next != NULL ? (node)->link.next->link.prev : (list)->last) ==  \
                  (node));                                                                      \
        if ((node)->link.prev != NULL)                                                          \
            (node)->link.prev->link.next = (node)->link.next;                                   \
        else                                                                                    \
            (list)->first = (node)->link.next;                                                  \
        if ((node)->link.next != NULL)                                                          \
            (node)->link.next->link.prev = (node)->link.prev;                                   \
        else                                                                                    \
            (list)->last = (node)->link.prev;                                                   \
        (node)->link.prev = (node)->link.next = NULL;                                           \
        (list)->len--;                                                                          \
    } while (0)

#define FX_LIST_EACH(list, node, link) \
    for (__typeof__((list)->first) node = (list)->first; node != NULL; node = node->link.next)

#define FX_LIST_EACH_SAFE(list, node, link)                                              \
    for (__typeof__((list)->first) node = (list)->first,                                 \
                                   node##_next_ = node != NULL ? node->link.next : NULL; \
         node != NULL; node = node##_next_, node##_next_ = node != NULL ? node->link.next : NULL)

#endif
