"""The template workbook in both languages and the sample, with the script that builds them."""
