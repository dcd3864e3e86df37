/* Does at the dialogs of an installation what a person does, and says what it sees. For test prefixes only.

   It reads one command a line from its input, in UTF-8, its parts separated by tabs, and answers with lines
   that a line with a full stop ends; the first is "ok" or begins with "error". Captions are given without
   the sign before their letter. Nothing is found by its place on the screen.

     show TEXT           waits for a dialog that has TEXT in it; all later commands are about the foremost one
     press CAPTION       presses a button, a check box or a radio button
     enter LABEL TEXT    replaces the text of the field after a label
     field LABEL         the text of that field
     look                every control: class, whether it can be used, whether it is checked, its text
     keys NAME...        presses keys one after the other: TAB, SPACE, RETURN, ESCAPE, ALT+letter, or letters
     focus               the class and text of the control that has the keyboard
     gone                waits until no dialog is there any more
     preview FILE NAME   shows a dialog of a package, without installing anything, until the end */

#define UNICODE
#include <windows.h>
#include <msi.h>
#include <msiquery.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LENGTH 8192
#define PATIENCE_MS 60000
#define SHORT_PATIENCE_MS 10000
#define PAUSE_MS 50

static WCHAR preview_file[MAX_PATH];
static WCHAR preview_dialog[100];

/* Output. */

static void say(const WCHAR *format, ...)
{
    static WCHAR text[LENGTH];
    static char bytes[3 * LENGTH];
    va_list arguments;

    va_start(arguments, format);
    _vsnwprintf(text, LENGTH - 1, format, arguments);
    va_end(arguments);
    text[LENGTH - 1] = 0;
    for (WCHAR *c = text; *c; c++)
        if (*c == '\r' || *c == '\n')
            *c = ' ';
    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof(bytes), NULL, NULL);
    puts(bytes);
}

/* What there is to see. */

static void text_of(HWND window, WCHAR *text)
{
    DWORD_PTR length = 0;

    text[0] = 0;
    SendMessageTimeoutW(window, WM_GETTEXT, LENGTH - 1, (LPARAM)text, SMTO_ABORTIFHUNG, 5000, &length);
}

/* The text without the sign before the letter that leads to it. */
static void caption_of(HWND window, WCHAR *caption)
{
    WCHAR *to = caption;

    text_of(window, caption);
    for (WCHAR *from = caption; *from; from++) {
        if (*from == '&' && from[1])
            from++;
        *to++ = *from;
    }
    *to = 0;
}

static BOOL is_class(HWND window, const WCHAR *name)
{
    WCHAR class[100];

    return GetClassNameW(window, class, 100) && !lstrcmpiW(class, name);
}

static BOOL is_button(HWND window) { return is_class(window, L"Button"); }
static BOOL is_field(HWND window) { return is_class(window, L"Edit"); }

static BOOL CALLBACK take_dialog(HWND window, LPARAM found)
{
    BOOL is_dialog = is_class(window, L"MsiDialogCloseClass") || is_class(window, L"#32770");

    if (!is_dialog || !IsWindowVisible(window))
        return TRUE;
    *(HWND *)found = window;
    return FALSE; /* windows come in the order from front to back */
}

static HWND foremost_dialog(void)
{
    HWND found = NULL;

    EnumWindows(take_dialog, (LPARAM)&found);
    return found;
}

/* The next control in the order of the tab key, of groups as well. */
static HWND next_control(HWND dialog, HWND control)
{
    HWND next = GetWindow(control ? control : dialog, GW_CHILD);

    while (!next && control && control != dialog) {
        next = GetWindow(control, GW_HWNDNEXT);
        control = GetParent(control);
    }
    return next;
}

/* The first visible control that is of a kind and has a caption; NULL leaves either open. */
static HWND find(HWND dialog, BOOL (*kind)(HWND), const WCHAR *wanted, BOOL whole)
{
    static WCHAR caption[LENGTH];

    for (HWND control = next_control(dialog, NULL); control; control = next_control(dialog, control)) {
        if (!IsWindowVisible(control) || (kind && !kind(control)))
            continue;
        caption_of(control, caption);
        if (whole ? !lstrcmpW(caption, wanted) : wcsstr(caption, wanted) != NULL)
            return control;
    }
    return NULL;
}

static HWND field_after(HWND dialog, const WCHAR *label)
{
    HWND control = find(dialog, NULL, label, TRUE);

    while (control && !(is_field(control) && IsWindowVisible(control)))
        control = next_control(dialog, control);
    return control;
}

static HWND button_named(HWND dialog, const WCHAR *caption)
{
    return find(dialog, is_button, caption, TRUE);
}

static void look(HWND dialog)
{
    static WCHAR caption[LENGTH];
    WCHAR class[100];

    for (HWND control = next_control(dialog, NULL); control; control = next_control(dialog, control)) {
        DWORD_PTR state = 0;

        if (!IsWindowVisible(control))
            continue;
        GetClassNameW(control, class, 100);
        caption_of(control, caption);
        if (is_button(control))
            SendMessageTimeoutW(control, BM_GETCHECK, 0, 0, SMTO_ABORTIFHUNG, 5000, &state);
        say(L"%s\t%s\t%s\t%s", class, IsWindowEnabled(control) ? L"usable" : L"grey",
            state ? L"checked" : L"", caption);
    }
}

/* What a person does. */

/* A dialog appears control by control, and a button may become usable a moment after a box was checked. */
static HWND usable(HWND (*found)(HWND, const WCHAR *), const WCHAR *name)
{
    for (int waited = 0; waited < SHORT_PATIENCE_MS; waited += PAUSE_MS) {
        HWND dialog = foremost_dialog();
        HWND control = dialog ? found(dialog, name) : NULL;

        if (control && IsWindowEnabled(control))
            return control;
        Sleep(PAUSE_MS);
    }
    say(L"error: there is no %s that can be used; the foremost dialog has:", name);
    if (foremost_dialog())
        look(foremost_dialog());
    return NULL;
}

static void press(const WCHAR *caption)
{
    HWND button = usable(button_named, caption);

    if (button) {
        PostMessageW(button, BM_CLICK, 0, 0);
        say(L"ok");
    }
}

static void enter(const WCHAR *label, const WCHAR *text)
{
    HWND field = usable(field_after, label);
    DWORD_PTR result;

    if (!field)
        return;
    SendMessageTimeoutW(field, WM_SETFOCUS, 0, 0, SMTO_ABORTIFHUNG, 5000, &result);
    SendMessageTimeoutW(field, WM_SETTEXT, 0, (LPARAM)text, SMTO_ABORTIFHUNG, 5000, &result);
    /* A field for a path is taken over when it is left. */
    SendMessageTimeoutW(field, WM_KILLFOCUS, 0, 0, SMTO_ABORTIFHUNG, 5000, &result);
    say(L"ok");
}

static void key(WORD code, BOOL up)
{
    INPUT input = { .type = INPUT_KEYBOARD, .ki = { .wVk = code, .dwFlags = up ? KEYEVENTF_KEYUP : 0 } };

    SendInput(1, &input, sizeof(input));
}

static void press_key(HWND dialog, const WCHAR *name)
{
    static const struct { const WCHAR *name; WORD code; } named[] = {
        { L"TAB", VK_TAB }, { L"SPACE", VK_SPACE }, { L"RETURN", VK_RETURN }, { L"ESCAPE", VK_ESCAPE },
    };
    BOOL alt = !wcsncmp(name, L"ALT+", 4);
    WORD code = alt ? name[4] : name[0];

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (!lstrcmpW(name, named[i].name))
            code = named[i].code;
    SetForegroundWindow(dialog);
    if (alt)
        key(VK_MENU, FALSE);
    key(code, FALSE);
    key(code, TRUE);
    if (alt)
        key(VK_MENU, TRUE);
    Sleep(4 * PAUSE_MS);
}

static void focus(HWND dialog)
{
    static WCHAR caption[LENGTH];
    WCHAR class[100];
    GUITHREADINFO info = { .cbSize = sizeof(info) };

    if (!GetGUIThreadInfo(GetWindowThreadProcessId(dialog, NULL), &info) || !info.hwndFocus) {
        say(L"error: no control has the keyboard");
        return;
    }
    GetClassNameW(info.hwndFocus, class, 100);
    caption_of(info.hwndFocus, caption);
    say(L"ok");
    say(L"%s\t%s", class, caption);
}

/* A dialog without an installation, in a thread of its own, which has to answer the dialog's messages. */
static DWORD WINAPI preview(__attribute__((unused)) void *nothing)
{
    MSIHANDLE database, handle;
    MSG message;

    if (MsiOpenDatabaseW(preview_file, MSIDBOPEN_READONLY, &database))
        return 1;
    if (MsiEnableUIPreview(database, &handle))
        return 1;
    MsiPreviewDialogW(handle, preview_dialog);
    while (GetMessageW(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
    return 0;
}

static BOOL wait_for(const WCHAR *text)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += PAUSE_MS) {
        HWND dialog = foremost_dialog();

        if (text ? dialog && find(dialog, NULL, text, FALSE) : !dialog)
            return TRUE;
        Sleep(PAUSE_MS);
    }
    return FALSE;
}

static void obey(WCHAR *line)
{
    WCHAR *parts[20] = { line };
    int count = 1;
    HWND dialog = foremost_dialog();

    for (WCHAR *c = line; *c; c++)
        if (*c == '\t' && count < 20) {
            *c = 0;
            parts[count++] = c + 1;
        }
    if (!lstrcmpW(parts[0], L"show") && count == 2) {
        if (wait_for(parts[1]))
            say(L"ok");
        else {
            dialog = foremost_dialog();
            say(L"error: no dialog with the text %s came; the foremost one has:", parts[1]);
            if (dialog)
                look(dialog);
        }
    } else if (!lstrcmpW(parts[0], L"gone"))
        say(wait_for(NULL) ? L"ok" : L"error: a dialog is still there");
    else if (!lstrcmpW(parts[0], L"preview") && count == 3) {
        lstrcpynW(preview_file, parts[1], MAX_PATH);
        lstrcpynW(preview_dialog, parts[2], 100);
        CloseHandle(CreateThread(NULL, 0, preview, NULL, 0, NULL));
        say(L"ok");
    } else if (!lstrcmpW(parts[0], L"press") && count == 2)
        press(parts[1]);
    else if (!lstrcmpW(parts[0], L"enter") && count == 3)
        enter(parts[1], parts[2]);
    else if (!lstrcmpW(parts[0], L"field") && count == 2) {
        static WCHAR text[LENGTH];
        HWND field = usable(field_after, parts[1]);

        if (field) {
            text_of(field, text);
            say(L"ok");
            say(L"%s", text);
        }
    } else if (!dialog)
        say(L"error: there is no dialog");
    else if (!lstrcmpW(parts[0], L"look")) {
        say(L"ok");
        look(dialog);
    } else if (!lstrcmpW(parts[0], L"keys")) {
        for (int i = 1; i < count; i++)
            press_key(dialog, parts[i]);
        say(L"ok");
    } else if (!lstrcmpW(parts[0], L"focus"))
        focus(dialog);
    else
        say(L"error: %s is not a command, or has other parts", parts[0]);
}

int main(void)
{
    static char bytes[LENGTH];
    static WCHAR line[LENGTH];

    while (fgets(bytes, sizeof(bytes), stdin)) {
        bytes[strcspn(bytes, "\r\n")] = 0;
        MultiByteToWideChar(CP_UTF8, 0, bytes, -1, line, LENGTH);
        obey(line);
        puts(".");
        fflush(stdout);
    }
    return 0;
}
