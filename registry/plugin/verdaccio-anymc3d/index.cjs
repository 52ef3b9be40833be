// Verdaccio takes plugins as files only; what this one does is handed to it in the configuration (src/server/start.ts): once as what knows accounts, once as
// what stands before its own routes.

module.exports = ({ install, open }, options) => (open ? open(options) : { register_middlewares: install });
