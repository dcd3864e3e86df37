/* Prints what Windows' own functions say of a program: the version, as Explorer asks for it and as Windows
   Installer does, and the sizes in which its icon is found. */

#include <windows.h>
#include <msi.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    static char block[65536];
    VS_FIXEDFILEINFO *fixed;
    UINT length;
    const char *path = arguments[1];
    if (count != 2 || !GetFileVersionInfoA(path, 0, sizeof block, block)
        || !VerQueryValueA(block, "\\", (void **)&fixed, &length))
        return puts("no version"), 1;
    printf("file version: %d.%d.%d.%d\n", HIWORD(fixed->dwFileVersionMS), LOWORD(fixed->dwFileVersionMS),
           HIWORD(fixed->dwFileVersionLS), LOWORD(fixed->dwFileVersionLS));

    const char *texts[] = {"FileDescription", "ProductVersion"};
    for (int i = 0; i < 2; i++) {
        char name[99], *text;
        snprintf(name, sizeof name, "\\StringFileInfo\\040904b0\\%s", texts[i]);
        if (VerQueryValueA(block, name, (void **)&text, &length))
            printf("%s: %s\n", texts[i], text);
    }

    char version[99], language[99];
    DWORD version_length = sizeof version, language_length = sizeof language;
    if (MsiGetFileVersionA(path, version, &version_length, language, &language_length) == ERROR_SUCCESS)
        printf("for the installer: %s, %s\n", version, language);

    HMODULE program = LoadLibraryExA(path, NULL, LOAD_LIBRARY_AS_DATAFILE);
    for (int size = 16; size <= 256; size *= 2)
        if (LoadImageA(program, MAKEINTRESOURCEA(1), IMAGE_ICON, size, size, LR_DEFAULTCOLOR))
            printf("icon: %d\n", size);
    return 0;
}
