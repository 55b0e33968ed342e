# The one place for compiler flags. CC may be gcc (12) or clang (14); VARIANT names the build folder.
#   make                     release
#   make VARIANT=torture     release with failpoints: what tests, demo and torture start, and what is never installed
#   make VARIANT=asan        AddressSanitizer and UndefinedBehaviorSanitizer
#   make CC=clang            goes to build/release-clang

VARIANT ?= release
IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n 1))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2 -Wstrict-prototypes \
        -Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wpointer-arith -Wcast-qual \
        -Wcast-align -Wvla -Wundef -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion
ifeq ($(IS_CLANG),)
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Walloca
endif
ifdef WERROR
WARN += -Werror
endif

HARDEN := -fno-common -fstack-protector-strong -fPIE
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection=full
endif
HARDEN += -fstack-clash-protection
ifeq ($(IS_CLANG),)
HARDEN += -ftrivial-auto-var-init=zero
endif
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack

CSTD := -std=gnu17 -D_GNU_SOURCE
OPT := -O2 -g3
ifneq ($(filter release torture,$(VARIANT)),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
else ifeq ($(VARIANT),asan)
OPT := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(VARIANT),tsan)
OPT := -O1 -g3 -fsanitize=thread
else ifeq ($(VARIANT),cov)
OPT := -O0 -g3 --coverage
else ifeq ($(VARIANT),fuzz)
OPT := -O1 -g3 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
endif

# B: the folder of the build. T: the folder of what is tested, with failpoints. release and torture are one build of two
# folders, because only the files that have a failpoint are compiled for both; every other variant is for tests alone.
FOLDER_END := $(if $(IS_CLANG),$(if $(filter fuzz,$(VARIANT)),,-clang))
ifneq ($(filter release torture,$(VARIANT)),)
B := build/release$(FOLDER_END)
T := build/torture$(FOLDER_END)
TEST_VARIANT := torture
else
B := build/$(VARIANT)$(FOLDER_END)
T := $(B)
TEST_VARIANT := $(VARIANT)
CFLAGS_FAILPOINTS := -DFX_FAILPOINTS
endif

# Third-party flags, one variable a door. Headers come in with -isystem: their warnings are not ours.
sysinc = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(1) 2>/dev/null))
LIB_CFLAGS := $(call sysinc,libpq) $(call sysinc,libmariadb) $(call sysinc,yaml-0.1) \
              $(call sysinc,jansson) $(call sysinc,libcurl)
DB_LIBS := -lpq $(shell pkg-config --libs libmariadb 2>/dev/null)
CORE_LIBS := -lyaml -ljansson -lcurl -lxxhash -lgmp -lz -lcrypto -lpthread -lm

CFLAGS_ALL = $(CSTD) $(OPT) $(WARN) $(HARDEN) -I. -I$(B)/gen $(LIB_CFLAGS) $(CFLAGS_FAILPOINTS) $(CFLAGS)
LDFLAGS_ALL = $(LDHARDEN) -Wl,--as-needed $(filter -fsanitize% --coverage -fno-sanitize%,$(OPT)) $(LDFLAGS)
