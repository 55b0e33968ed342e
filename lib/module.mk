# lib, strangler, cdc, reconcile and plans go into one archive; the linker takes what a program uses.
