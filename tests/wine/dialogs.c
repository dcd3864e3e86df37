/* Runs an installation with its dialogs, does at them what a person does, and says what it sees. For test
   prefixes only. The installation runs in this program, as it does in msiexec: fonts belong to one process,
   and a text is measured with the font that it is drawn in.

   It reads one command a line from its input, in UTF-8, its parts separated by tabs, and answers with lines
   that a line with a full stop ends; the first is "ok" or begins with "error". Captions are given without
   the sign before their letter. Nothing is found by its place on the screen.

     install FILE LOG    installs a package with dialogs, and writes a log
     ended               waits for the end of the installation, and says what Windows Installer returned
     preview FILE NAME   shows a dialog of a package, without installing anything, until the end
     show TEXT           waits for a dialog that has TEXT in it and is drawn; all later commands are about the
                         foremost one
     misfits             what does not fit: a text its control, a control its dialog or its neighbour
     press CAPTION       presses a button, a check box or a radio button
     enter LABEL TEXT    replaces the text of the field after a label
     field LABEL         the text of that field
     look                every control: class, whether it can be used, whether it is checked, its text
     keys NAME...        presses keys one after the other: TAB, SPACE, RETURN, ESCAPE, ALT+letter, or letters
     focus               the class and text of the control that has the keyboard
     gone                waits until no dialog is there any more */

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

#define PACKAGE_DIALOG L"MsiDialogCloseClass"

/* What every text is drawn in: the package says so, and Windows has it. */
#define FACE L"Tahoma"
/* Pixels that a button has around its text, and that the box of a check box or radio button takes. */
#define BUTTON_BORDER 5
#define BOX_WIDTH 17

static WCHAR package_file[MAX_PATH];
static WCHAR log_file[MAX_PATH];
static WCHAR preview_dialog[100];
static HANDLE installation;

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
    BOOL is_dialog = is_class(window, PACKAGE_DIALOG) || is_class(window, L"#32770");

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

/* What does not fit. */

static BOOL is_static(HWND control) { return is_class(control, L"Static"); }

/* A static control that is no picture and no line. */
static BOOL is_text(HWND control)
{
    return is_static(control) && (GetWindowLongW(control, GWL_STYLE) & SS_TYPEMASK) <= SS_RIGHT;
}

static BOOL is_button_of(HWND control, LONG first, LONG last)
{
    LONG type = GetWindowLongW(control, GWL_STYLE) & BS_TYPEMASK;

    return is_button(control) && type >= first && type <= last;
}

/* A check box or a radio button. */
static BOOL is_box(HWND control)
{
    return is_button_of(control, BS_CHECKBOX, BS_AUTO3STATE)
        || is_button_of(control, BS_AUTORADIOBUTTON, BS_AUTORADIOBUTTON);
}

static BOOL is_frame(HWND control) { return is_button_of(control, BS_GROUPBOX, BS_GROUPBOX); }

/* The width of the widest word: Windows breaks a text at spaces only. */
static LONG widest_word(HDC dc, const WCHAR *text)
{
    LONG widest = 0;

    while (*text) {
        size_t length = wcscspn(text, L" \r\n");
        SIZE size;

        GetTextExtentPoint32W(dc, text, (int)length, &size);
        if (size.cx > widest)
            widest = size.cx;
        text += length + (text[length] != 0);
    }
    return widest;
}

/* What a text needs in that width. */
static SIZE needed(HDC dc, HWND control, const WCHAR *text, LONG width)
{
    RECT area = { 0, 0, width, 0 };
    UINT format = DT_CALCRECT | DT_EXPANDTABS | (is_text(control) ? DT_WORDBREAK : DT_SINGLELINE);
    SIZE size;

    if (is_text(control) && (GetWindowLongW(control, GWL_STYLE) & SS_NOPREFIX))
        format |= DT_NOPREFIX;
    DrawTextW(dc, text, -1, &area, format);
    size.cx = area.right;
    size.cy = area.bottom;
    if (is_text(control) && widest_word(dc, text) > size.cx)
        size.cx = widest_word(dc, text);
    return size;
}

/* A text must fit. What is in a field can be scrolled; a line of it must be seen. */
static void judge_text(HWND control)
{
    static WCHAR text[LENGTH];
    WCHAR face[LF_FACESIZE];
    HDC dc = GetDC(control);
    HGDIOBJ before = SelectObject(dc, (HFONT)SendMessageW(control, WM_GETFONT, 0, 0));
    RECT room;
    SIZE size;

    text_of(control, text);
    GetClientRect(control, &room);
    GetTextFaceW(dc, LF_FACESIZE, face);
    if (is_box(control))
        room.right -= BOX_WIDTH;
    else if (is_button(control))
        room.right -= 2 * BUTTON_BORDER;
    size = needed(dc, control, text, room.right);
    if (is_field(control))
        size.cx = 0;
    if (*text && lstrcmpW(face, FACE))
        say(L"the font %s is not there, \"%s\" is drawn in %s", FACE, text, face);
    if (*text && (size.cx > room.right || size.cy > room.bottom))
        say(L"\"%s\" needs %ld x %ld pixels and has %ld x %ld", text, size.cx, size.cy, room.right,
            room.bottom);
    SelectObject(dc, before);
    ReleaseDC(control, dc);
}

/* Whether a control has to have its place for itself: texts may stand on pictures. */
static BOOL takes_place(HWND control)
{
    WCHAR start[2];

    return IsWindowVisible(control)
        && (!is_static(control) || (is_text(control) && GetWindowTextW(control, start, 2)));
}

/* A control lies in what it belongs to, and covers nothing. */
static void judge_place(HWND control)
{
    static WCHAR text[LENGTH], other_text[LENGTH];
    RECT area, other_area, both, whole;

    caption_of(control, text);
    GetWindowRect(control, &area);
    GetClientRect(GetParent(control), &whole);
    MapWindowPoints(GetParent(control), NULL, (POINT *)&whole, 2);
    UnionRect(&both, &area, &whole);
    if (!EqualRect(&both, &whole))
        say(L"\"%s\" reaches out of its dialog", text);
    for (HWND other = GetWindow(control, GW_HWNDNEXT); other; other = GetWindow(other, GW_HWNDNEXT)) {
        if (!takes_place(other))
            continue;
        GetWindowRect(other, &other_area);
        caption_of(other, other_text);
        if (IntersectRect(&both, &area, &other_area))
            say(L"\"%s\" and \"%s\" cover each other", text, other_text);
    }
}

/* Of the dialogs of the package: what else comes is Wine's. */
static void misfits(HWND dialog)
{
    if (!is_class(dialog, PACKAGE_DIALOG))
        return;
    for (HWND control = next_control(dialog, NULL); control; control = next_control(dialog, control)) {
        if (!takes_place(control))
            continue;
        judge_place(control);
        if (is_text(control) || is_field(control) || (is_button(control) && !is_frame(control)))
            judge_text(control);
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

    if (MsiOpenDatabaseW(package_file, MSIDBOPEN_READONLY, &database))
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

/* An installation, in a thread of its own; its result is the thread's. */
static DWORD WINAPI install(__attribute__((unused)) void *nothing)
{
    const DWORD everything = 0x7fffffff;

    MsiSetInternalUI(INSTALLUILEVEL_FULL, NULL);
    MsiEnableLogW(everything, log_file, 0);
    return MsiInstallProductW(package_file, L"");
}

/* Whether nothing of the dialog waits for being drawn. */
static BOOL is_drawn(HWND dialog)
{
    for (HWND control = dialog; control; control = next_control(dialog, control == dialog ? NULL : control))
        if (IsWindowVisible(control) && GetUpdateRect(control, NULL, FALSE))
            return FALSE;
    return TRUE;
}

static BOOL wait_for(const WCHAR *text)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += PAUSE_MS) {
        HWND dialog = foremost_dialog();

        if (text ? dialog && find(dialog, NULL, text, FALSE) && is_drawn(dialog) : !dialog)
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
        lstrcpynW(package_file, parts[1], MAX_PATH);
        lstrcpynW(preview_dialog, parts[2], 100);
        CloseHandle(CreateThread(NULL, 0, preview, NULL, 0, NULL));
        say(L"ok");
    } else if (!lstrcmpW(parts[0], L"install") && count == 3) {
        lstrcpynW(package_file, parts[1], MAX_PATH);
        lstrcpynW(log_file, parts[2], MAX_PATH);
        installation = CreateThread(NULL, 0, install, NULL, 0, NULL);
        say(L"ok");
    } else if (!lstrcmpW(parts[0], L"ended")) {
        DWORD result;

        if (WaitForSingleObject(installation, PATIENCE_MS) || !GetExitCodeThread(installation, &result))
            say(L"error: the installation does not end");
        else {
            say(L"ok");
            say(L"%lu", result);
        }
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
    } else if (!lstrcmpW(parts[0], L"misfits")) {
        say(L"ok");
        misfits(dialog);
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
