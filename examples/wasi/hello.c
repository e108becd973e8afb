#include <stdio.h>

int main(int argc, char **argv)
{
    printf("Hello from C, compiled for WASI");
    for (int i = 1; i < argc; i++)
        printf(" %s", argv[i]);
    putchar('\n');
    return 0;
}
