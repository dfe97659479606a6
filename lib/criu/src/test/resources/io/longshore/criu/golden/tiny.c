/* The smallest process that has pages of every kind; its images are the golden ones. gcc -O1 -static -nostdlib */
static volatile unsigned char memory[20 * 4096] __attribute__((aligned(4096)));

void _start(void) {
  /* CRIU takes every page of a task for a stack, and none for lazy, if a stack pointer is page-aligned (is_stack, mem.c). */
  __asm__ volatile("andq $-4096, %rsp; subq $64, %rsp");
  for (unsigned page = 0; page < 20; page++)
    if (page != 7) memory[page * 4096 + page] = (unsigned char)(page + 1);
  for (;;) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(34L /* pause */) : "rcx", "r11", "memory");
  }
}
