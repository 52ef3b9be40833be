// Verdaccio takes plugins as files only; what this one does is handed to it in the configuration (src/server/start.ts).

module.exports = ({ install }) => ({ register_middlewares: install });
