/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monolith of the demo: the whole shop on PostgreSQL. It knows nothing of Ficus; what it does
 * know, as a program on PostgreSQL should, is that 40001 and 25006 mean "not now".
 */
#include "tests/demo/shop.h"

static bool monolith_extra(const struct fx_serve_request *request, struct fx_serve_reply *reply)
{
    if (!fx_str_eq_c(request->path, "/products"))
        return false;
    fx_buf_add_c(&reply->body,
                 "{\"products\":[{\"id\":1,\"name\":\"fig\"},{\"id\":2,\"name\":\"banyan\"},"
                 "{\"id\":3,\"name\":\"rubber plant\"}]}");
    return true;
}

static const struct shop_side monolith = {
    .name = "monolith",
    .insert_order = "insert into orders (customer_id, ref, status, total)"
                    " values (?, ?, 'placed', cast(? as bigint) / 100.0) returning id",
    .insert_line = "insert into order_lines (order_id, product_id, quantity, price)"
                   " values (?, ?, ?, cast(? as bigint) / 100.0)",
    .insert_facts = "insert into order_facts (order_id, message, gift, due)"
                    " values (?, ?, true, date '2026-12-24')",
    .increment = "update orders set hits = hits + cast(? as bigint) where id = ?",
    .find_order = "select o.customer_id, o.ref, o.status, o.total, o.hits, f.message, f.due"
                  " from orders o left join order_facts f on f.order_id = o.id where o.id = ?",
    .find_lines =
        "select product_id, quantity, price from order_lines where order_id = ? order by id",
    .find_newest = "select id, total from orders where customer_id = ? order by id desc limit 10",
    .extra = monolith_extra,
};

int main(int argc, char **argv)
{
    return shop_main(&monolith, argc, argv);
}
