Attribute VB_Name = "Segmenter"
Option Explicit

Public Sub SegmenterNew(control As IRibbonControl)
    SegmenterRun "new"
End Sub

Public Sub SegmenterCheck(control As IRibbonControl)
    SegmenterRun "check"
End Sub

Public Sub SegmenterFill(control As IRibbonControl)
    SegmenterRun "fill"
End Sub

Public Sub SegmenterRestore(control As IRibbonControl)
    SegmenterRun "restore"
End Sub

Public Sub SegmenterReport(control As IRibbonControl)
    SegmenterRun "report"
End Sub

Public Sub SegmenterMail(control As IRibbonControl)
    SegmenterRun "mail"
End Sub
