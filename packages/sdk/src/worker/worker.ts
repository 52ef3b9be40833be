// The Web Worker's script. Nothing imports it, so that it runs once: bundlers put code that other parts share into an entry, and WebKit evaluates a
// worker's own script anew for each part that imports it.

import("./serve.js")
  .then(({ serve }) => serve())
  .catch((error) => {
    // Uncaught, which the page is told of; a rejection would go unheard.
    setTimeout(() => {
      throw error;
    });
  });
