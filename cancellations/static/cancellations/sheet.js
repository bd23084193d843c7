// Offers the sheet to the printer; without this file the browser's own print command does.
document.getElementById("print").addEventListener("click", () => window.print());
