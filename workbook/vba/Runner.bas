Attribute VB_Name = "Runner"
Option Explicit

' Starts python -P -m segmenter.ribbon COMMAND, the interpreter from the user's settings and from nowhere else.
' The name of the workbook and the window travel in environment variables and are never part of a command line.
' Texts stand on the sheet of this add-in: A1 Python is not set up, A2 it could not be started, A3 title, A4 language.

Public Sub SegmenterRun(command As String)
    Dim book As String
    On Error GoTo Failed
    If Not ActiveWorkbook Is Nothing Then book = ActiveWorkbook.Name
#If Mac Then
    AppleScriptTask "Segmenter.applescript", "press", command & vbLf & Words("A4") & vbLf & book
#Else
    Dim python As String, shell As Object, variables As Object
    python = GetSetting("Segmenter", "Runner", "Python")
    If python = "" Then
        MsgBox Words("A1"), vbInformation, Words("A3")
        Exit Sub
    End If
    Set shell = CreateObject("WScript.Shell")
    Set variables = shell.Environment("PROCESS")
    variables.Item("SEGMENTER_BOOK") = book
    variables.Item("SEGMENTER_HWND") = CStr(Application.Hwnd)
    variables.Item("SEGMENTER_LANG") = Words("A4")
    shell.Run """" & python & """ -P -m segmenter.ribbon " & command, 0, False
#End If
    Exit Sub
Failed:
    MsgBox Words("A2"), vbExclamation, Words("A3")
End Sub

Private Function Words(cell As String) As String
    Words = ThisWorkbook.Worksheets(1).Range(cell).Value
End Function
