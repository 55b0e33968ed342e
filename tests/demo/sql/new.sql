-- The new orders service's database: empty, one table renamed, money in cents.
create database orders character set utf8mb4 collate utf8mb4_bin;
use orders;
create table customer_orders (
    id bigint not null auto_increment primary key,
    customer_id int not null,
    ref varchar(64),
    status varchar(20) not null,
    total_cents bigint not null,
    hits bigint not null default 0,
    created_at timestamp(6) not null default current_timestamp(6),
    index (customer_id)
);
create table order_lines (
    id bigint not null auto_increment primary key,
    order_id bigint not null,
    product_id int not null,
    quantity int not null,
    price decimal(10,2) not null,
    index (order_id)
);
create table order_facts (
    order_id bigint not null primary key,
    parcels int,
    weight decimal(12,4),
    message longtext,
    gift boolean,
    packed_at datetime(6),
    shipped_at timestamp(6) null,
    due date,
    label longblob,
    tracking uuid,
    options json,
    score double,
    barcode bigint
);
create user 'shop'@'%';
grant select, insert, update, delete on orders.* to 'shop'@'%';
