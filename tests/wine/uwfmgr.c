/* Stands in for uwfmgr.exe, which Wine lacks: answers get-config in the form and encoding of Windows 10, with
   the filter on after a restart and drive C protected. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>

static const char answer[] =
    "Unified Write Filter Configuration Utility version 10.0.19041\r\n\r\n"
    "Current Session Settings\r\n\r\n"
    "FILTER SETTINGS\r\n"
    "    Filter state:    OFF\r\n\r\n"
    "Next Session Settings\r\n\r\n"
    "FILTER SETTINGS\r\n"
    "    Filter state:    ON\r\n\r\n"
    "VOLUME SETTINGS\r\n"
    "Volume 3f1e2d4c-0000-0000-0000-100000000000 [C:]\r\n"
    "    Volume state:     Protected\r\n"
    "    File Exclusions:\r\n"
    "Next Session Exclusions for Volume 3f1e2d4c-0000-0000-0000-100000000000 [C:]\r\n"
    "    C:\\Windows\\Temp\r\n\r\n"
    "REGISTRY EXCLUSIONS\r\n"
    "    HKLM\\SYSTEM\\CurrentControlSet\\Services\\W32Time\r\n";

int main(int count, char **arguments)
{
    if (count != 2 || strcmp(arguments[1], "get-config") != 0)
        return 87; /* ERROR_INVALID_PARAMETER */
    _setmode(_fileno(stdout), _O_BINARY);
    for (const char *at = answer; *at; at++) {
        fputc(*at, stdout);
        fputc(0, stdout);
    }
    return 0;
}
